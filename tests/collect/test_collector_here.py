"""What a collect finds here: files to verify, things in the way, parts that were left."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from engagement.collect.batch import Batch
from engagement.collect.collector import collect
from engagement.collect.device import Device
from engagement.collect.hosts import parse_host
from engagement.collect.plan import WantedLogs
from tests.collect.devices import DONGLE_ID, DRIVE, OPTIONS, random_bytes, run_collect, tree

pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture
def here(folder):
    """The device's folder here, which is there already."""
    path = folder / DONGLE_ID
    path.mkdir(parents=True)
    return path


def put(path, content: bytes):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_what_is_here_is_verified_too(device, folder, here):
    for number in range(45):
        device.add(f"{DRIVE}--{number}/rlog.zst", random_bytes(2000, number))
        put(here / f"{DRIVE}--{number}" / "rlog.zst", random_bytes(2000, number))
    spoilt = put(here / f"{DRIVE}--30" / "rlog.zst", bytes(2000))
    gone = device.add(f"{DRIVE}--99/rlog.zst")

    unverified = run_collect(device, folder)
    verified = run_collect(device, folder, verify=True)
    gone.unlink()

    assert (unverified.n_there, unverified.is_good) == (45, True)
    assert [path for path, _ in verified.conflicts] == [spoilt]
    assert "SHA-256" in verified.conflicts[0][1]
    assert verified.n_there == 45
    assert spoilt.read_bytes() == bytes(2000)


def test_what_is_here_in_another_compression_can_not_be_compared(device, folder, here):
    there = device.add(f"{DRIVE}--0/rlog", b"raw")
    file = put(here / f"{DRIVE}--0" / "rlog.bz2", b"compressed")
    os.utime(file, ns=(there.stat().st_mtime_ns,) * 2)

    report = run_collect(device, folder, verify=True)

    assert (report.n_there, report.is_good) == (1, True)


def test_things_in_the_way_cost_only_the_logs_whose_place_they_have(device, folder, here, tmp_path):
    for number in range(7):
        device.add(f"{DRIVE}--{number}/rlog.zst", random_bytes(5000, number))
    put(here / f"{DRIVE}--0", b"a file where a folder should be")
    (here / f"{DRIVE}--1").symlink_to(tmp_path / "nowhere")
    for number in range(2, 6):
        (here / f"{DRIVE}--{number}").mkdir()
    (here / f"{DRIVE}--2" / "rlog.zst").symlink_to(tmp_path / "nowhere")
    (here / f"{DRIVE}--3" / "rlog.zst.part").mkdir()
    (here / f"{DRIVE}--4" / "rlog.zst.part").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(here / f"{DRIVE}--5" / "rlog.zst.part")

    report = run_collect(device, folder)

    assert report.problem is None
    assert {path.parent.name for path, _ in report.conflicts} == {
        f"{DRIVE}--{number}" for number in range(6)
    }
    assert report.collected == [here / f"{DRIVE}--6" / "rlog.zst"]
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_a_file_costs_only_its_logs(device, folder):
    put(folder / DONGLE_ID, b"a file")
    device.add(f"{DRIVE}--0/rlog.zst")
    device.add(f"89abcdef01234567|{DRIVE}--1/rlog.zst")

    report = run_collect(device, folder)

    assert len(report.conflicts) == 1
    assert report.collected == [folder / "89abcdef01234567" / f"{DRIVE}--1" / "rlog.zst"]


def test_of_a_log_in_two_forms_one_comes_and_the_other_is_told_of(device, folder):
    device.add(f"{DRIVE}--0/rlog.bz2", b"older")
    other = device.add(f"{DRIVE}--0/rlog.zst", b"newer")
    device.add(f"{DRIVE}--0/qlog.zst", b"another kind")

    first = run_collect(device, folder)
    second = run_collect(device, folder)

    assert sorted(tree(folder).values()) == [b"another kind", b"older"]
    for report in (first, second):
        (note,) = report.notes
        assert str(other) in note
        assert report.is_good
    assert (second.collected, second.n_there) == ([], 2)


def test_parts_of_logs_that_are_here_go(device, folder, here):
    device.add(f"{DRIVE}--0/rlog.zst", b"whole")
    put(here / f"{DRIVE}--0" / "rlog.zst", b"whole")
    spent = put(here / f"{DRIVE}--0" / "rlog.part", b"from a collect with other options")
    other = put(here / f"{DRIVE}--0" / "notes.part", b"not ours")
    written = put(here / f"{DRIVE}--0" / "rlog.bz2.part", b"somebody writes to it")

    with written.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        dry = run_collect(device, folder, dry_run=True)
        assert spent.exists()
        report = run_collect(device, folder)

    assert dry.is_good
    assert report.is_good
    assert not spent.exists()
    assert other.exists()
    assert written.exists()


def test_parts_of_logs_that_the_device_deleted_are_told_of_and_stay(device, folder, here):
    lock = device.add(f"{DRIVE}--1/rlog.lock", b"")
    device.add(f"{DRIVE}--1/rlog.zst")
    device.add(f"{DRIVE}--2/qlog.zst")
    left = put(here / f"{DRIVE}--0" / "rlog.zst.part", b"half")
    put(here / f"{DRIVE}--1" / "rlog.zst.part", b"its segment is being written")
    put(here / f"{DRIVE}--2" / "qlog.zst.part", b"is not selected today")

    report = run_collect(device, folder, wanted=WantedLogs("rlog"))
    lock.unlink()

    (note,) = report.notes
    assert str(left) in note
    assert ": 1," in note
    assert report.is_good
    assert left.read_bytes() == b"half"


def test_a_part_of_a_log_that_vanishes_meanwhile_stays(device, folder, here):
    there = device.add(f"{DRIVE}--0/rlog.zst", random_bytes(5000))
    part = put(here / f"{DRIVE}--0" / "rlog.zst.part", random_bytes(5000)[:3000])
    os.utime(part, ns=(there.stat().st_mtime_ns,) * 2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("engagement.collect.job.Job._verify", lambda *_: there.unlink())
        patch.setattr("tests.collect.devices.FakeDevice.state", lambda _: None)
        report = run_collect(device, folder)

    assert report.n_gone == 1
    assert part.read_bytes() == random_bytes(5000)[:3000]


def test_a_target_that_is_whole_but_unnamed_gets_its_name(device, folder, here):
    there = device.add(f"{DRIVE}--0/rlog.zst", random_bytes(5000))
    part = put(here / f"{DRIVE}--0" / "rlog.zst.part", random_bytes(5000))
    os.utime(part, ns=(there.stat().st_mtime_ns,) * 2)

    report = run_collect(device, folder, verify=shutil.which("sha256sum") is not None)

    assert report.is_good
    assert tree(here) == tree(device.logs)


def test_a_log_that_another_collect_has_brought_meanwhile_is_not_asked_for(device, folder, here):
    for number in range(3):
        device.add(f"{DRIVE}--{number}/rlog.zst", random_bytes(5000, number))
    target = here / f"{DRIVE}--1" / "rlog.zst"
    read, asked = Batch.read, []

    def read_and_note(batch, log, offset):
        asked.append(log.segment_num)
        return read(batch, log, offset)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Batch, "read", read_and_note)
        patch.setattr("engagement.collect.job.Job._verify", lambda *_: put(target, b"theirs"))
        report = run_collect(device, folder)

    assert asked == [0, 2]
    assert (report.n_busy, len(report.collected), report.is_good) == (1, 2, True)
    assert target.read_bytes() == b"theirs"
    assert len(tree(folder)) == 3


def test_a_part_that_the_disk_does_not_take_is_begun_anew(device, folder, here, monkeypatch):
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(5000))
    part = here / f"{DRIVE}--0" / "rlog.zst.part"

    def refuse(_file):
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        report = run_collect(device, folder)
    time_ns = part.stat().st_mtime_ns
    part.write_bytes(bytes(5000))  # what the disk made of it
    os.utime(part, ns=(time_ns, time_ns))

    assert "input/output error" in report.problem
    assert run_collect(device, folder).is_good
    assert tree(here) == tree(device.logs)


def test_two_collects_go_towards_each_other(device, folder):
    for number in range(60):
        device.add(f"{DRIVE}--{number}/rlog.zst", random_bytes(9000, number))
    open_source, n_commands = Device.open, []

    def open_and_count(*arguments, **options):
        n_commands.append(1)
        return open_source(*arguments, **options)

    options = replace(OPTIONS, settings=device.settings, limit_bytes_per_s=400_000)
    host = parse_host("device")
    with pytest.MonkeyPatch.context() as patch, ThreadPoolExecutor() as threads:
        patch.setattr(Device, "open", open_and_count)
        both = [threads.submit(collect, [host], folder, options) for _ in range(2)]
        reports = [running.result()[0] for running in both]

    assert all(report.is_good and report.n_retries == 0 for report in reports)
    assert sum(len(report.collected) for report in reports) == 60
    assert len(n_commands) < 12
    assert tree(folder / DONGLE_ID) == tree(device.logs)
