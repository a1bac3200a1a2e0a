"""Devices that shut down, and programs that end, while logs are collected."""

from __future__ import annotations

import os
import shutil

import pytest

from engagement.collect.batch import Batch
from tests.collect.devices import (
    DONGLE_ID,
    DRIVE,
    random_bytes,
    run_collect,
    tree,
)
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


@pytest.fixture
def dying(tmp_path, tmp_path_factory, monkeypatch):
    """A server that kills programs; told how, it is ready."""
    bin_folder = tmp_path_factory.mktemp("bin")
    path = f"SetEnv PATH={bin_folder}:{os.environ['PATH']}"
    flag = tmp_path / "died"

    def prepare(program, word, n_bytes, signal, whom, *, again=False):
        script = bin_folder / program
        text = _DYING.format(
            flag=flag,
            word=word,
            once="" if again else f"touch {flag}",
            program=shutil.which(program),
            n_bytes=n_bytes,
            signal=signal,
            whom=whom,
        )
        script.write_text(text)
        script.chmod(0o755)
        return flag

    for server in run_server(tmp_path_factory.mktemp("dying"), extra=path):
        monkeypatch.setenv("HOME", str(server.home))
        yield prepare


@pytest.mark.parametrize("victim", ["$$", "$PPID"])
@pytest.mark.parametrize("signal", ["TERM", "KILL"])
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

    report = run_collect(device, folder, codec="bz2")

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
