"""What comes from a folder on this machine through a real SSH server, and where to."""

from __future__ import annotations

import bz2
import os
import shutil
import sys
from dataclasses import replace
from datetime import date

import pytest

from engagement.collect.collector import collect
from engagement.collect.connection import Connection
from engagement.collect.hosts import parse_host
from engagement.collect.plan import WantedLogs
from engagement.collect.shell import command_line
from engagement.filters import Selection
from tests.collect.devices import (
    DONGLE_ID,
    DRIVE,
    OPTIONS,
    make_device,
    random_bytes,
    run_collect,
    tree,
)
from tests.collect.sshd import run_server

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

pytestmark = pytest.mark.usefixtures("server")


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

    wanted = WantedLogs("rlog", Selection.of(since=day, until=day))
    report = run_collect(device, folder, wanted=wanted)

    assert list(tree(folder)) == [f"{DONGLE_ID}/2025-07-31--10-20-30--0/rlog.bz2"]
    assert report.n_there == 0


def test_a_dry_run_writes_nothing(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst")

    report = run_collect(device, folder, dry_run=True)

    assert report.to_collect == [folder / DONGLE_ID / f"{DRIVE}--0" / "rlog.zst"]
    assert not folder.exists()


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


def test_logs_in_a_folder_of_a_joined_device_are_here(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst")
    device.add(f"{DRIVE}--1/rlog.zst")
    other = "feedc0defeedc0de"
    put = folder / other[-8:] / f"{DRIVE}--0"
    put.mkdir(parents=True)
    (put / "rlog.zst").write_bytes(b"log")

    report = run_collect(device, folder, wanted=WantedLogs(aliases={other: DONGLE_ID}))

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


@pytest.mark.parametrize(
    ("codec", "tool", "decompress"),
    [("zst", "zstd", zstd.decompress), ("bz2", "bzip2", bz2.decompress)],
)
def test_the_device_compresses(device, folder, codec, tool, decompress):
    if shutil.which(tool) is None:
        pytest.skip(f"no {tool} here")
    raw = (random_bytes(50) + bytes(950)) * 1000
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
    for tool in ("cat", "tail", "wc", "head", "env", "find", "printf", "sh", "bash"):
        if shutil.which(tool):
            (bin_folder / tool).symlink_to(shutil.which(tool))
    device.add(f"{DRIVE}--0/rlog", b"raw")
    extra = f"SetEnv PATH={bin_folder}"
    for server in run_server(tmp_path_factory.mktemp("bare"), extra=extra):
        monkeypatch.setenv("HOME", str(server.home))
        report = run_collect(device, folder, codec="zst")

    assert report.notes == ["can't compress with zst; logs come as they are"]
    assert tree(folder) == {f"{DONGLE_ID}/{DRIVE}--0/rlog": b"raw"}


def test_the_rate_is_kept(device, folder):
    device.add(f"{DRIVE}--0/rlog.zst", random_bytes(600_000))

    report = run_collect(device, folder, limit_bytes_per_s=500_000)

    assert 0.9 < report.duration_s < 4


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


def test_logs_from_before_1970_come(device, folder):
    there = device.add(f"{DRIVE}--0/rlog.zst")
    os.utime(there, (-86_400, -86_400))

    assert run_collect(device, folder).is_good
    assert tree(folder / DONGLE_ID) == tree(device.logs)
    assert run_collect(device, folder).n_there == 1


def test_no_command_is_longer_than_any_server_takes(device, folder):
    for number in range(150):
        device.add(f"it's\n/{DRIVE}--{number}/rlog.zst")
    start, n_bytes = Connection.start, []

    def start_and_measure(connection, argv, silence_s=None):
        n_bytes.append(len(command_line(argv)))
        return start(connection, argv, silence_s)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "start", start_and_measure)
        reports = [run_collect(device, folder, verify=True) for _ in range(2)]

    assert [len(reports[0].collected), reports[1].n_there] == [150, 150]
    assert max(n_bytes) < 9000


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("with_video", [True, False])
def test_the_small_video_comes_if_it_is_wanted(device, folder, with_video):
    device.add(f"{DRIVE}--0/qlog.zst", b"log")
    device.add(f"{DRIVE}--0/qcamera.ts", b"video")
    device.add(f"{DRIVE}--0/fcamera.hevc", b"large")
    report = run_collect(device, folder, wanted=WantedLogs("qlog", with_video=with_video))
    again = run_collect(device, folder, wanted=WantedLogs("qlog", with_video=with_video))

    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert report.is_good
    assert names == {"qlog.zst"} | ({"qcamera.ts"} if with_video else set())
    assert (len(again.collected), again.n_there) == (0, 1 + with_video)
