"""`engagement ingest --watch` as a process: what it says, and how it ends."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.simulate import fleet
from engagement.store.reader import Reader

NEO = fleet.NEO.dongle_id


@contextmanager
def watching(folder, *options):
    command = [sys.executable, "-m", "engagement", "ingest", str(folder), "--watch", "--jobs", "1"]
    with subprocess.Popen(
        [*command, "--every", "0.1", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def n_segments():
    with Reader(Path("engagement.duckdb")) as reader:
        return reader.rows("select count(*) as n from segments where status = 'ok'")[0]["n"]


@pytest.fixture
def segments(logs):
    return sorted((logs / NEO).iterdir())[:3]


def test_each_batch_is_a_line_of_json_and_sigterm_is_a_good_end(segments, tmp_path):
    folder = tmp_path / "rlogs" / NEO
    shutil.copytree(segments[0], folder / segments[0].name)
    with watching(folder.parent, "--json") as process:
        first = json.loads(process.stdout.readline())
        shutil.copytree(segments[1], folder / segments[1].name)
        second = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        stdout, stderr = process.communicate(timeout=20)

    assert (process.returncode, stdout, stderr) == (ExitCode.OK, "", "")
    assert (first["n_ingested"], second["n_ingested"]) == (1, 1)
    assert n_segments() == 2


def test_words_go_to_stderr_and_another_ingest_runs_between(run_alone, segments, tmp_path):
    folder = tmp_path / "rlogs" / NEO
    shutil.copytree(segments[0], folder / segments[0].name)
    with watching(folder.parent) as process:
        said = [process.stderr.readline() for _ in range(2)]
        between = run_alone("ingest", segments[1])
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)

    assert said[0] == f"watching {folder.parent}: a look every 0.1 s, until Ctrl-C\n"
    assert said[1].startswith("ingested 1 segment of 1 drive, ")
    assert between.exit_code == ExitCode.OK
    assert (process.returncode, stdout) == (ExitCode.INTERRUPTED, "")
    assert stderr == "engagement: interrupted; nothing half-done was kept\n"
    assert n_segments() == 2


@pytest.mark.parametrize("delay_s", [0.0, 0.2])
def test_sigterm_in_a_batch_leaves_whole_segments_or_nothing(segments, tmp_path, delay_s):
    folder = tmp_path / "rlogs" / NEO
    shutil.copytree(segments[0], folder / segments[0].name)
    with watching(folder.parent) as process:
        process.stderr.readline()
        process.stderr.readline()
        for segment in segments[1:]:
            shutil.copytree(segment, folder / segment.name)
        private = tmp_path / "engagement.duckdb.next"
        while not private.exists():
            assert process.poll() is None
            time.sleep(0.002)
        time.sleep(delay_s)
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=20)

    assert process.returncode == ExitCode.OK
    assert stderr.endswith("stopped; nothing half-done was kept\n")
    assert not private.exists()
    assert n_segments() in (1, 2, 3)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--watch", "--dry-run"], "--watch and --dry-run exclude each other"),
        (["--every", "5"], "--every is the time between two looks of --watch"),
        (["--watch", "--every", "0"], "0.0 is not in the range"),
    ],
)
def test_options_that_do_not_go_together_are_exit_2(run_alone, tmp_path, options, message):
    result = run_alone("ingest", tmp_path, *options)
    assert result.exit_code == ExitCode.USAGE
    assert message in result.stderr
