"""Files that get their names when the disk has them."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from engagement.collect import finishing
from engagement.collect.finishing import Finisher, Whole
from engagement.collect.pace import Rate, Stop
from engagement.collect.remote_log import RemoteLog
from engagement.collect.report import DeviceReport
from engagement.collect.transfer import Transfer, fetch, offset_of
from engagement.errors import ConnectionLostError

if TYPE_CHECKING:
    from collections.abc import Iterator


def make_whole(folder, number: int, size_bytes: int = 10) -> Whole:
    part = folder / f"{number}.part"
    file = os.open(part, os.O_RDWR | os.O_CREAT)
    os.write(file, bytes(size_bytes))
    return Whole(file, part, folder / str(number), 10**18, "device")


def n_open() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counts its own handle too, each time


@pytest.mark.parametrize("has_syncfs", [True, False])
def test_all_files_get_their_names_in_their_order(tmp_path, monkeypatch, has_syncfs):
    if not has_syncfs:
        monkeypatch.setattr(finishing, "_LIBC", None)
    report, before = DeviceReport("device"), n_open()

    with Finisher(report) as finisher:
        for number in range(100):
            finisher.add(make_whole(tmp_path, number))
            assert n_open() - before < 40

    assert report.collected == [tmp_path / str(number) for number in range(100)]
    assert report.size_bytes == 1000
    assert {path.name for path in tmp_path.iterdir()} == set(map(str, range(100)))
    assert n_open() == before


def test_a_large_file_does_not_wait_for_others(tmp_path):
    report = DeviceReport("device")

    with Finisher(report) as finisher:
        for number in range(4):
            finisher.add(make_whole(tmp_path, number, 9 << 20))
        finisher.settle()
        assert len(report.collected) == 4


class FailingLibrary:
    """A C library whose disks fail."""

    def syncfs(self, _file: int) -> int:
        return -1


def test_a_disk_that_does_not_take_what_others_write_costs_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(finishing, "_LIBC", FailingLibrary())
    report = DeviceReport("device")

    with Finisher(report) as finisher:
        for number in range(40):
            finisher.add(make_whole(tmp_path, number))

    assert len(report.collected) == 40


def test_a_file_has_the_logs_time_only_when_the_disk_has_it(tmp_path, monkeypatch):
    times = []
    fsync = os.fsync

    def fsync_and_look(file: int) -> None:
        times.append(os.fstat(file).st_mtime_ns)
        fsync(file)

    monkeypatch.setattr(os, "fsync", fsync_and_look)
    with Finisher(DeviceReport("device")) as finisher:
        finisher.add(make_whole(tmp_path, 0))

    assert len(times) == 1
    assert times[0] > 10**18
    assert (tmp_path / "0").stat().st_mtime_ns == 10**18


def test_a_disk_that_does_not_take_them_leaves_parts(tmp_path, monkeypatch):
    def refuse(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(finishing, "_LIBC", FailingLibrary())
    monkeypatch.setattr(os, "fsync", refuse)
    report, before = DeviceReport("device"), n_open()
    finisher = Finisher(report)
    for number in range(8):
        finisher.add(make_whole(tmp_path, number))

    with pytest.raises(OSError, match="No space left"), finisher:
        pass

    assert report.collected == []
    assert report.to_collect == [tmp_path / str(number) for number in range(8)]
    assert {path.suffix for path in tmp_path.iterdir()} == {".part"}
    assert n_open() == before


def test_a_disk_that_others_keep_busy_is_asked_for_each_file(tmp_path, monkeypatch):
    asked = []

    class Busy:
        def syncfs(self, file: int) -> int:
            asked.append(file)
            return 0

    monkeypatch.setattr(finishing, "_LIBC", Busy())
    monkeypatch.setattr(finishing, "_TOO_LONG_S", -1)
    report = DeviceReport("device")
    with Finisher(report) as finisher:
        for number in range(100):
            finisher.add(make_whole(tmp_path, number))

    assert len(asked) == 1
    assert len(report.collected) == 100


def test_a_name_that_was_taken_meanwhile_costs_one_file(tmp_path):
    report = DeviceReport("device")
    (tmp_path / "1").write_bytes(b"mine")
    (tmp_path / "2").symlink_to(tmp_path / "nowhere")

    with Finisher(report) as finisher:
        for number in range(4):
            finisher.add(make_whole(tmp_path, number))

    assert report.n_busy == 2
    assert report.collected == [tmp_path / "0", tmp_path / "3"]
    assert (tmp_path / "1").read_bytes() == b"mine"


class BrokenSource:
    """Sends something, and is gone."""

    def is_ready_for(self, _log: RemoteLog) -> bool:
        return True

    def read(self, _log: RemoteLog, _offset: int) -> Iterator[bytes]:
        yield bytes(3000)
        raise ConnectionLostError("device", "no answer")

    def sha256(self, _log: RemoteLog) -> str:
        raise NotImplementedError


@pytest.mark.parametrize("is_kept", [True, False])
def test_what_is_left_counts_only_if_the_disk_has_it(tmp_path, monkeypatch, is_kept):
    def refuse(_file: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    if not is_kept:
        monkeypatch.setattr(os, "fsync", refuse)
    log = RemoteLog("/rlog", None, "2025-07-31--10-20-30", 0, "rlog", "", 5000, 10**18)
    transfer = Transfer(log, tmp_path / "rlog")
    rate = Rate(None, Stop())

    with pytest.raises(ConnectionLostError):
        fetch(BrokenSource(), transfer, "x", rate=rate, verify=False, on_bytes=lambda _: None)

    assert (tmp_path / "rlog.part").stat().st_size == 3000
    assert offset_of(transfer) == (3000 if is_kept else 0)
