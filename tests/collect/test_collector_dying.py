"""Devices that shut down, and programs that end, while logs are collected."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace

import pytest

from engagement.collect.batch import Batch
from engagement.collect.collector import collect
from engagement.collect.hosts import parse_host
from engagement.collect.pace import Patience
from tests.collect.devices import DONGLE_ID, DRIVE, OPTIONS, random_bytes, run_collect, tree
from tests.collect.sshd import run_server

pytestmark = pytest.mark.usefixtures("server")


_DYING = """#!/bin/sh
if [ ! -e {flag} ] && case "$*" in *{word}*) ;; *) false ;; esac; then
    {once}
    {program} "$@" | head -c {n_bytes}
    kill -{signal} {whom}
    exit 0
fi
exec {program} "$@"
"""


@pytest.fixture(scope="module")
def rigged(tmp_path_factory):
    """A server, and a folder whose programs it prefers to the machine's."""
    bin_folder = tmp_path_factory.mktemp("bin")
    path = f"SetEnv PATH={bin_folder}:{os.environ['PATH']}"
    for server in run_server(tmp_path_factory.mktemp("dying"), extra=path):
        yield server, bin_folder


@pytest.fixture
def rig(rigged, monkeypatch):
    """Put a program on the server until the test is over."""
    server, bin_folder = rigged
    monkeypatch.setenv("HOME", str(server.home))

    def put(program: str, text: str) -> None:
        (bin_folder / program).write_text(text)
        (bin_folder / program).chmod(0o755)

    yield put
    for program in bin_folder.iterdir():
        program.unlink()


@pytest.fixture
def dying(tmp_path, rig):
    """Have the server kill a program; told how, it is ready."""
    flag = tmp_path / "died"

    def prepare(program, word, n_bytes, signal, whom, *, again=False):
        text = _DYING.format(
            flag=flag,
            word=word,
            once="" if again else f"touch {flag}",
            program=shutil.which(program),
            n_bytes=n_bytes,
            signal=signal,
            whom=whom,
        )
        rig(program, text)
        return flag

    return prepare


@pytest.mark.parametrize(("signal", "victim"), [("TERM", "$$"), ("KILL", "$PPID")])
def test_what_a_device_that_shuts_down_broke_off_goes_on(device, folder, dying, signal, victim):
    for number in range(4):
        device.add(f"{DRIVE}--{number}/rlog.zst", random_bytes(200_000, number))
    flag = dying("tail", "realdata", 500_000, signal, victim)
    offsets = []
    read = Batch.read

    def read_from(batch, log, offset):
        offsets.append(offset)
        return read(batch, log, offset)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Batch, "read", read_from)
        report = run_collect(device, folder)

    assert flag.exists()
    assert (report.problem, report.failed, report.n_retries) == (None, [], 1)
    assert tree(folder / DONGLE_ID) == tree(device.logs)
    assert any(90_000 < offset < 100_000 for offset in offsets)


def test_a_listing_that_is_broken_off_is_not_taken_for_the_whole(device, folder, dying):
    for number in range(4):
        device.add(f"{DRIVE}--{number}/rlog.zst")
    flag = dying("find", "realdata", 100, "TERM", "$$")

    report = run_collect(device, folder)

    assert flag.exists()
    assert (report.problem, report.n_retries, len(report.collected)) == (None, 1, 4)


def test_a_compressor_that_dies_each_time_costs_only_its_log(device, folder, dying):
    if shutil.which("bzip2") is None:
        pytest.skip("no bzip2 here")
    bad = device.add(f"{DRIVE}--0/rlog", random_bytes(1000))
    device.add(f"{DRIVE}--1/rlog", b"good")
    dying("bzip2", f"{DRIVE}--0", 100, "KILL", "$$", again=True)

    report = run_collect(device, folder, codec="bz2", patience=Patience(1, 0.01))

    assert [path for path, _ in report.failed] == [str(bad)]
    assert (report.problem, len(report.collected)) == (None, 1)


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ("find: /x: Permission denied", "permission denied"),
        ("find: /x: No such file or directory", None),
    ],
)
def test_folders_that_can_not_be_looked_into_are_told_of(device, folder, dying, said, problem):
    device.add(f"{DRIVE}--0/rlog.zst")
    flag = dying("find", "realdata", 10_000, "0", f"$$; echo '{said}' >&2; exit 1")

    report = run_collect(device, folder)

    assert flag.exists()
    assert len(report.collected) == 1
    assert report.is_good == (problem is None)
    assert problem is None or problem in report.problem.lower()


@pytest.mark.parametrize(
    ("change", "number", "n_gone", "problem"),
    [
        ("true", 0, 1, None),
        ("true", 1, 1, None),
        ("true", 2, 1, None),
        ("mkdir {file}", 1, 0, "another size"),
        ("ln -s /dev/zero {file}", 1, 0, "another size"),
        ("mkfifo {file}", 1, 0, "can't be read"),
    ],
)
def test_what_takes_the_place_of_a_log_costs_only_that(
    device, folder, rig, *, change, n_gone, problem, number
):
    files = [device.add(f"{DRIVE}--{n}/rlog.zst", random_bytes(50_000, n)) for n in range(3)]
    victim = files[number]
    instead = change.format(file=victim)
    rig(
        "tail",
        f"""#!/bin/sh
if [ -f {victim} ] && [ "$3" = -- ]; then rm {victim}; {instead}; fi
exec {shutil.which("tail")} "$@"
""",
    )
    timeouts = replace(OPTIONS.timeouts, silence_s=1.0)
    options = replace(OPTIONS, settings=device.settings, timeouts=timeouts)

    (report,) = collect([parse_host("device")], folder, options)

    assert (report.n_gone, report.problem) == (n_gone, None)
    assert [path for path, _ in report.failed] == ([str(victim)] if problem else [])
    assert all(problem in said for _, said in report.failed)
    others = [random_bytes(50_000, n) for n in range(3) if n != number]
    assert sorted(tree(folder).values()) == sorted(others)


@pytest.mark.parametrize("printed", [r"1 2 x\0odd x/rlog\0", r"1 2 x\03", "no zero"])
def test_a_find_that_prints_something_else_is_not_believed(device, folder, rig, printed):
    device.add(f"{DRIVE}--0/rlog.zst")
    rig("find", f"#!/bin/sh\nprintf '{printed}'\n")

    report = run_collect(device, folder)

    assert report.is_good
    assert len(report.collected) == 1
