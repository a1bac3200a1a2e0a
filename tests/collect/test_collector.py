"""Collecting from a folder on this machine, through a real SSH server."""

from __future__ import annotations

import bz2
import os
import random
import shutil
import socket
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import date

import pytest

from engagement.collect import reading
from engagement.collect.collector import collect
from engagement.collect.device import Device
from engagement.collect.hosts import parse_host
from engagement.collect.pace import Patience, Stop
from engagement.collect.plan import Selection
from tests.collect.devices import (
    DONGLE_ID,
    DRIVE,
    OPTIONS,
    make_device,
    proxied,
    random_bytes,
    run_collect,
    tree,
)
from tests.collect.sshd import free_port, run_server

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "rlogs"


def test_all_logs_come_and_then_nothing_more(device, folder):
    for number in range(3):
        device.add(f"{DRIVE}--{number}/rlog.zst", random_bytes(300_000, number))
        device.add(f"{DRIVE}--{number}/qlog.zst", random_bytes(3000, number))
        device.add(f"{DRIVE}--{number}/fcamera.hevc")
    device.add("0000002a--0123456789--0/rlog", b"")

    first = run_collect(device, folder)
    second = run_collect(device, folder)

    wanted = {
        f"{DONGLE_ID}/{path}": content
        for path, content in tree(device.logs).items()
        if "log" in path
    }
    assert tree(folder) == wanted
    assert len(first.collected) == 7
    assert first.size_bytes == sum(map(len, wanted.values()))
    assert (first.dongle_id, first.problem, first.is_good) == (DONGLE_ID, None, True)
    assert (second.collected, second.n_there, second.is_good) == ([], 7, True)


def test_logs_keep_their_time(device, folder):
    there = device.add(f"{DRIVE}--0/rlog.zst")

    run_collect(device, folder)

    here = folder / DONGLE_ID / f"{DRIVE}--0" / "rlog.zst"
    assert here.stat().st_mtime_ns == there.stat().st_mtime_ns


def test_only_what_is_selected_comes(device, folder):
    for drive in ("2025-07-30--10-20-30", "2025-07-31--10-20-30", "2025-08-01--10-20-30"):
        device.add(f"{drive}--0/rlog.bz2")
        device.add(f"{drive}--0/qlog.bz2")
    day = date(2025, 7, 31)

    report = run_collect(device, folder, selection=Selection("rlog", None, day, day))

    assert list(tree(folder)) == [f"{DONGLE_ID}/2025-07-31--10-20-30--0/rlog.bz2"]
    assert report.n_there == 0


def test_a_dry_run_writes_nothing(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst")

    report = run_collect(device, folder, dry_run=True)

    assert report.to_collect == [folder / DONGLE_ID / f"{DRIVE}--0" / "rlog.zst"]
    assert not folder.exists()


def test_a_connection_cut_twenty_times_brings_equal_files(device, folder, server):
    for number in range(8):
        device.add(f"{DRIVE}--{number}/rlog.zst", random_bytes(700_000, number))
    rng = random.Random(5)
    budgets = [rng.randrange(1, 2500) for _ in range(5)]
    budgets += [rng.randrange(2500, 450_000) for _ in range(15)]
    rng.shuffle(budgets)

    with proxied(server.port, budgets) as proxy:
        server.write_known_hosts(port=proxy.port)
        name = server.add_alias("cut", Port=proxy.port)
        report = run_collect(device, folder, name, verify=True, patience=Patience(6, 0.01))

    assert report.problem is None
    assert proxy.n_cut == report.n_retries == 20
    assert tree(folder / DONGLE_ID) == tree(device.logs)
    assert proxy.n_bytes < 8 * 700_000 * 1.4


def test_what_a_cut_left_is_gone_on_with(device, folder, server):
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(2_000_000))

    with proxied(server.port, [1_000_000], lag_s=0.5) as proxy:
        server.write_known_hosts(port=proxy.port)
        name = server.add_alias("once", Port=proxy.port)
        broken = run_collect(device, folder, name, patience=Patience(0))
        left = tree(folder)
        n_before = proxy.n_bytes
        whole = run_collect(device, folder, name, verify=True)

    (part,) = left
    assert part.endswith("rlog.zst.part")
    assert 800_000 < len(left[part]) < 1_000_000
    assert broken.problem
    assert broken.to_collect
    assert whole.is_good
    assert proxy.n_bytes - n_before < 1_300_000
    assert tree(folder / DONGLE_ID) == tree(device.logs)


def test_a_part_of_unknown_origin_is_begun_anew(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(100_000))
    segment = folder / DONGLE_ID / f"{DRIVE}--0"
    segment.mkdir(parents=True)
    (segment / "rlog.zst.part").write_bytes(bytes(50_000))  # as a power cut leaves it

    assert run_collect(device, folder).is_good
    assert tree(folder / DONGLE_ID) == tree(device.logs)


def test_a_part_that_holds_other_bytes_is_found_by_its_sum(device, folder):
    there = device.add(f"{DRIVE}--0/rlog.zst", random_bytes(100_000))
    segment = folder / DONGLE_ID / f"{DRIVE}--0"
    segment.mkdir(parents=True)
    (segment / "rlog.zst.part").write_bytes(bytes(50_000))
    os.utime(segment / "rlog.zst.part", ns=(there.stat().st_mtime_ns,) * 2)

    report = run_collect(device, folder, verify=True)

    ((path, problem),) = report.failed
    assert path == str(there)
    assert "SHA-256" in problem
    assert tree(folder) == {}
    assert run_collect(device, folder, verify=True).is_good


def test_a_file_of_another_size_is_a_conflict_and_stays(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst", b"as the device has it")
    device.add(f"{DRIVE}--1/rlog.zst")
    mine = folder / DONGLE_ID / f"{DRIVE}--0" / "rlog.zst"
    mine.parent.mkdir(parents=True)
    mine.write_bytes(b"mine")

    report = run_collect(device, folder)

    assert [path for path, _ in report.conflicts] == [mine]
    assert "4 bytes" in report.conflicts[0][1]
    assert mine.read_bytes() == b"mine"
    assert len(report.collected) == 1
    assert not report.is_good


def test_segments_being_written_wait(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst")
    device.add(f"{DRIVE}--1/rlog.zst")
    device.add(f"{DRIVE}--1/qlog.zst")
    lock = device.add(f"{DRIVE}--1/rlog.lock", b"")

    first = run_collect(device, folder)
    lock.unlink()
    second = run_collect(device, folder)

    assert (len(first.collected), first.n_locked) == (1, 2)
    assert (len(second.collected), second.n_locked) == (2, 0)


def test_logs_in_a_folder_of_the_short_name_are_here(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst")
    device.add(f"{DRIVE}--1/rlog.zst")
    old = folder / DONGLE_ID[:8] / f"{DRIVE}--0"
    old.mkdir(parents=True)
    (old / "rlog.zst").write_bytes(b"log")

    report = run_collect(device, folder)

    assert (report.n_there, report.n_old) == (1, 1)
    assert report.collected == [folder / DONGLE_ID / f"{DRIVE}--1" / "rlog.zst"]


def test_a_device_without_a_name_is_named_by_its_folders(tmp_path, folder):
    device = make_device(tmp_path / "nameless", dongle_id=None)
    device.add(f"89abcdef01234567|{DRIVE}--0/rlog.zst")
    unknown = device.add(f"{DRIVE}--1/rlog.zst")

    report = run_collect(device, folder)
    named = run_collect(device, folder, dongle_id=DONGLE_ID)

    assert report.collected == [folder / "89abcdef01234567" / f"{DRIVE}--0" / "rlog.zst"]
    assert [path for path, _ in report.failed] == [str(unknown)]
    assert named.collected == [folder / DONGLE_ID / f"{DRIVE}--1" / "rlog.zst"]


@pytest.mark.parametrize("name", ["../../x", "UnregisteredDevice", "0123\n", "/etc/cron.d", ""])
def test_a_device_that_calls_itself_something_else_has_no_name(tmp_path, folder, name):
    device = make_device(tmp_path / "odd", dongle_id=name or " ")
    device.add(f"{DRIVE}--0/rlog.zst")

    report = run_collect(device, folder)

    assert len(report.failed) == 1
    assert not folder.exists()


_HOSTILE = [
    "..--0/rlog.zst",
    f"{DRIVE}--0/rlog.zst\n",
    f"{DRIVE}--0\n/rlog.zst",
    f"{DRIVE}--0/rlog.$(touch pwned)",
    f"{DRIVE}--0/rlog;touch pwned",
    f"{DRIVE}--\x1b[31m/rlog.zst",
    f"-rf {DRIVE}--0/rlog.zst",
    f"{DRIVE}--0 1 1 x/rlog.zst",
    "2025-13-99--10-20-30--0/rlog.zst",
    f"{DRIVE}--0/-n/rlog.zst",
]


def test_hostile_names_come_to_nothing(device, folder, tmp_path):
    for name in _HOSTILE:
        device.add(name, b"hostile")
    (device.logs / f"{DRIVE}--7").symlink_to("/etc")
    (device.logs / f"{DRIVE}--8").mkdir()
    (device.logs / f"{DRIVE}--8" / "rlog.zst").symlink_to("/etc/passwd")
    (device.logs / "\udcff\udcfe--0").mkdir()
    before = set(tmp_path.iterdir())

    report = run_collect(device, folder)

    assert (report.collected, report.failed, report.problem) == ([], [], None)
    assert set(tmp_path.iterdir()) == before


def test_names_with_metacharacters_above_a_segment_reach_no_shell(device, folder, tmp_path):
    mark = tmp_path / "pwned"
    odd = [f"$(touch {mark.name})", "a'b\"c`d", "-n", "*", "x\ny", "\x1b[2J"]
    for number, name in enumerate(odd):
        device.add(f"{name}/{DRIVE}--{number}/rlog.zst", name.encode())
    device.add(f"\udcff\udcfe/{DRIVE}--9/rlog.zst", b"no text")

    report = run_collect(device, folder, verify=True)

    assert report.failed == []
    assert sorted(tree(folder).values()) == sorted([*(name.encode() for name in odd), b"no text"])
    assert {path.split("/")[0] for path in tree(folder)} == {DONGLE_ID}
    assert not mark.exists()


def test_a_dead_host_costs_only_itself(device, folder, server):
    device.add(f"{DRIVE}--0/rlog.zst")
    dead = server.add_alias("dead", Port=free_port())
    options = replace(OPTIONS, settings=device.settings)

    reports = collect([parse_host(dead), parse_host("device")], folder, options)

    assert "refused" in reports[0].problem
    assert reports[0].n_retries == OPTIONS.patience.retries
    assert len(reports[1].collected) == 1


def test_a_host_that_says_nothing_is_given_up(device, folder, server):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        name = server.add_alias("silent", Port=silent.getsockname()[1])
        quick = replace(OPTIONS.timeouts, connect_s=0.3)
        started_at_s = time.monotonic()
        report = run_collect(device, folder, name, timeouts=quick, patience=Patience(0))

    assert report.problem
    assert time.monotonic() - started_at_s < 4


def test_two_devices_at_once(tmp_path, folder):
    first = make_device(tmp_path / "first", "1" * 16)
    for number in range(3):
        first.add(f"{DRIVE}--{number}/rlog.zst", random_bytes(400_000, number))
    name = "device"

    with_two = [parse_host(name), parse_host(f"{name}:{parse_host(name).port}")]
    reports = collect(with_two, folder, replace(OPTIONS, settings=first.settings))

    assert tree(folder / ("1" * 16)) == tree(first.logs)
    assert sum(len(report.collected) for report in reports) == 3
    assert sum(r.n_busy + r.n_there + len(r.collected) for r in reports) == 6


def test_a_full_disk_is_said_and_gone_on_from(device, small_disk):
    folder, resize = small_disk
    resize(1_000_000)
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(600_000))
    device.add(f"{DRIVE}--1/rlog.zst", random_bytes(900_000))

    report = run_collect(device, folder)
    assert "no space left" in report.problem
    assert f"{DRIVE}--1/rlog.zst.part" in report.problem
    assert len(report.collected) == 1

    resize(10_000_000)
    assert run_collect(device, folder, verify=True).is_good
    assert tree(folder / DONGLE_ID) == tree(device.logs)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, and a way to say how large it is."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")

    def resize(size_bytes: int) -> None:
        option = f"remount,size={size_bytes // 1024}k"
        subprocess.run(["mount", "-o", option, str(folder)], check=True)

    yield folder, resize
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize(
    ("codec", "tool", "decompress"),
    [("zst", "zstd", zstd.decompress), ("bz2", "bzip2", bz2.decompress)],
)
def test_the_device_compresses(device, folder, codec, tool, decompress):
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here")
    raw = random_bytes(1000) * 3000
    device.add(f"{DRIVE}--0/rlog", raw)
    device.add(f"{DRIVE}--1/rlog", b"")
    device.add(f"{DRIVE}--2/rlog.bz2", b"compressed there")

    first = run_collect(device, folder, codec=codec, verify=True)
    second = run_collect(device, folder, codec=codec)
    plain = run_collect(device, folder)

    found = tree(folder / DONGLE_ID)
    assert decompress(found[f"{DRIVE}--0/rlog.{codec}"]) == raw
    assert decompress(found[f"{DRIVE}--1/rlog.{codec}"]) == b""
    assert found[f"{DRIVE}--2/rlog.bz2"] == b"compressed there"
    assert len(found) == 3
    assert first.is_good
    assert first.size_bytes < len(raw) / 10
    assert [second.n_there, plain.n_there] == [3, 3]


def test_without_a_compressor_logs_come_as_they_are(device, folder, tmp_path_factory, monkeypatch):
    bin_folder = tmp_path_factory.mktemp("bin")
    for tool in ("cat", "tail", "wc", "head", "find", "printf", "sh", "bash"):
        if shutil.which(tool):
            (bin_folder / tool).symlink_to(shutil.which(tool))
    device.add(f"{DRIVE}--0/rlog", b"raw")
    extra = f"SetEnv PATH={bin_folder}"
    for server in run_server(tmp_path_factory.mktemp("bare"), extra=extra):
        monkeypatch.setenv("HOME", str(server.home))
        report = run_collect(device, folder, codec="zst")

    assert report.notes == ["can't compress with zst; logs come as they are"]
    assert tree(folder) == {f"{DONGLE_ID}/{DRIVE}--0/rlog": b"raw"}


@pytest.fixture
def sftp_only(tmp_path_factory, monkeypatch):
    """A server that runs no commands."""
    for server in run_server(tmp_path_factory.mktemp("sftp"), extra="ForceCommand internal-sftp"):
        monkeypatch.setenv("HOME", str(server.home))
        yield server


def test_a_device_that_runs_no_commands_is_read_by_sftp(device, folder, sftp_only, monkeypatch):
    offsets = []
    read = reading._Files.read

    def read_from(source, log, offset):
        offsets.append(offset)
        return read(source, log, offset)

    monkeypatch.setattr(reading._Files, "read", read_from)
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(9_000_000))
    device.add(f"{DRIVE}--1/qlog", b"")
    device.add(f"{DRIVE}--2/rlog.zst")
    device.add(f"{DRIVE}--2/rlog.lock")

    with proxied(sftp_only.port, [3_000_000], lag_s=0.5) as proxy:
        sftp_only.write_known_hosts(port=proxy.port)
        name = sftp_only.add_alias("cut", Port=proxy.port)
        report = run_collect(device, folder, name)

    assert (report.problem, report.n_retries, report.n_locked) == (None, 1, 1)
    assert tree(folder / DONGLE_ID) == {
        path: content for path, content in tree(device.logs).items() if "--2" not in path
    }
    # What was there already isn't asked for again; paramiko may ask twice for what is on its way.
    assert len([offset for offset in offsets if offset]) == 1
    assert proxy.n_bytes < 3_000_000 + 2 * 9_000_000


def test_the_rate_is_kept(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(600_000))

    report = run_collect(device, folder, limit_bytes_per_s=500_000)

    assert 0.9 < report.duration_s < 4


def test_a_wish_to_end_ends_it(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(6_000_000))
    stop = Stop()
    options = replace(OPTIONS, settings=device.settings, limit_bytes_per_s=100_000)
    timer = threading.Timer(0.8, lambda: setattr(stop, "is_requested", True))
    timer.start()

    (report,) = collect([parse_host("device")], folder, options, stop=stop)

    assert report.problem == "stopped"
    assert report.duration_s < 4
    assert all(path.endswith(".part") for path in tree(folder))


def test_a_folder_of_logs_that_is_not_there_is_named(device, folder):
    device.logs.rmdir()

    report = run_collect(device, folder)

    assert str(device.logs) in report.problem
    assert "no such folder" in report.problem


def collect_while(change, device, folder):
    """Collect from a device that changes after it was listed."""
    find = Device.find_logs

    def find_and_change(self):
        listing = find(self)
        change()
        return listing

    options = replace(OPTIONS, settings=device.settings)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Device, "find_logs", find_and_change)
        (report,) = collect([parse_host("device")], folder, options)
    return report


def test_a_log_that_vanishes_is_no_failure(device, folder):
    gone = device.add(f"{DRIVE}--0/rlog.zst")
    device.add(f"{DRIVE}--1/rlog.zst")

    report = collect_while(gone.unlink, device, folder)

    assert (report.n_gone, len(report.collected), report.is_good) == (1, 1, True)
    assert len(tree(folder)) == 1


@pytest.mark.parametrize("size_bytes", [0, 99_999, 100_001, 300_000])
def test_a_log_that_gets_another_size_comes_next_time(device, folder, size_bytes):
    files = [device.add(f"{DRIVE}--{n}/rlog.zst", random_bytes(100_000, n)) for n in range(3)]
    other = random_bytes(size_bytes, 9)

    report = collect_while(lambda: files[1].write_bytes(other), device, folder)

    ((path, problem),) = report.failed
    assert path == str(files[1])
    assert "another size" in problem
    assert sorted(tree(folder).values()) == sorted(random_bytes(100_000, n) for n in (0, 2))
    assert run_collect(device, folder).is_good
    assert tree(folder / DONGLE_ID) == tree(device.logs)


def test_progress_ends_where_all_is_done(device, folder):
    for number in range(2):
        device.add(f"{DRIVE}--{number}/rlog.zst", random_bytes(100_000, number))
    seen = []

    options = replace(OPTIONS, settings=device.settings)
    collect([parse_host("device")], folder, options, on_progress=seen.append)

    assert [p.done_bytes for p in seen] == sorted(p.done_bytes for p in seen)
    last = seen[-1]
    assert (last.n_done, last.n_total, last.done_bytes, last.total_bytes) == (
        2,
        2,
        200_000,
        200_000,
    )
