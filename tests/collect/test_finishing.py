"""Files that get their names when the disk has them."""

from __future__ import annotations

import ctypes
import errno
import os

import pytest

from engagement.collect import finishing
from engagement.collect.finishing import Finisher, Whole
from engagement.collect.report import DeviceReport


def make_whole(folder, number: int, size_bytes: int = 10) -> Whole:
    part = folder / f"{number}.part"
    file = os.open(part, os.O_RDWR | os.O_CREAT)
    os.write(file, bytes(size_bytes))
    return Whole(file, part, folder / str(number), "device")


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


def test_a_disk_that_does_not_take_them_leaves_parts(tmp_path, monkeypatch):
    class Full:
        def syncfs(self, _file: int) -> int:
            ctypes.set_errno(errno.ENOSPC)
            return -1

    monkeypatch.setattr(finishing, "_LIBC", Full())
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
