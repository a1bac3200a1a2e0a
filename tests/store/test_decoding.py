from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engagement.extract.segment import ReadOptions
from engagement.logs.find import LogFile, find_logs
from engagement.names import LogName
from engagement.simulate import write_segment
from engagement.store.decoding import decode

DATA = Path(__file__).parent.parent / "data"
LARGE_BYTES = 10_000_000  # enough to be worth processes


class DeadlyPath(type(Path())):
    """A log that ends whoever reads it."""

    def open(self, *_, **__):
        os.kill(os.getpid(), signal.SIGKILL)


def group(path, size_bytes=LARGE_BYTES):
    return (LogFile(path=path, name=LogName(log_kind="rlog"), size_bytes=size_bytes, mtime_ns=0),)


def test_a_log_that_kills_its_decoder_is_named_and_the_others_go_on():
    good = [group(log.path) for log in find_logs([DATA / "eras"]).logs]
    groups = [good[0], group(DeadlyPath("deadly")), *good[1:]]

    found = list(decode(groups, ReadOptions(), jobs=2))

    problems = [(str(file.path), text) for decoded in found for file, text in decoded.problems]
    assert problems == [("deadly", "it killed its decoder, perhaps for want of memory")]
    read = {decoded.log.file.path for decoded in found if decoded.log}
    assert read == {files[0].path for files in good}


@pytest.fixture(scope="module")
def large_logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    first = write_segment(folder / "0", codec="bz2")
    for number in range(1, 4):
        (folder / str(number)).mkdir()
        shutil.copy(first, folder / str(number) / "rlog.bz2")
    return folder


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_their_parent(tmp_path, large_logs, how):
    command = [sys.executable, "-m", "engagement", "ingest", str(large_logs), "--jobs", "2"]
    process = subprocess.Popen(
        [*command, "--db", str(tmp_path / "x.duckdb"), "--reprocess"], stderr=subprocess.PIPE
    )
    time.sleep(2.5)

    process.send_signal(how)

    # Workers hold the pipe too: it ends when the last of them does.
    process.communicate(timeout=10)
    assert process.returncode == -how


# Ctrl-C while the server imports: a terminal sends it to every process of a command.
INTERRUPTED = """
import os, signal, time
from engagement.store import decoding, workers

signal.signal(signal.SIGINT, lambda *_: None)
decoding._is_worth_processes = lambda *_, **__: True
decoding.warm_up([], jobs=2)
time.sleep({after_s})
os.killpg(0, signal.SIGINT)
names = "PYTHONSAFEPATH", "ARROW_DEFAULT_MEMORY_POOL"
with workers.executor(1) as executor:
    print(*executor.map(os.getenv, names))
print(*map(os.getenv, names))
"""


@pytest.mark.parametrize("after_s", [0.05, 0.3])
def test_ctrl_c_while_the_server_starts_is_its_parents_to_handle(after_s):
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED.format(after_s=after_s)],
        check=False, capture_output=True, text=True, start_new_session=True, timeout=60,
        env={**os.environ, "PYTHONSAFEPATH": "", "ARROW_DEFAULT_MEMORY_POOL": "mimalloc"},
    )  # fmt: skip
    # What workers are started with is not left in the environment of this process.
    assert (done.stdout, done.stderr) == ("1 system\n mimalloc\n", "")
