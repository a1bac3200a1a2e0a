from __future__ import annotations

import os
from pathlib import Path

import pytest

from engagement.logs.find import Found, LogFile, find_logs
from engagement.names import LogName

DONGLE = "0123abcd"
TIMED = "2023-07-27--13-01-19"


def make(root: Path, *names: str) -> list[Path]:
    """Write files that hold their own name."""
    paths = [root / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.fsencode(path.name))
    return paths


def found_names(root: Path, *paths: Path) -> list[str]:
    found = find_logs(paths or (root,))
    return [log.path.relative_to(root).as_posix() for log in found.logs]


def test_finds_logs_at_any_depth_with_what_path_and_disk_say(tmp_path):
    rlog, qlog, flat, bare, *_ = make(
        tmp_path,
        f"a/b/{DONGLE}/{TIMED}--3/rlog.zst",
        f"a/b/{DONGLE}/{TIMED}--3/qlog.bz2",
        f"{DONGLE}_{TIMED}--4--rlog",
        "rlog.bz2",
        f"a/b/{DONGLE}/{TIMED}--3/qcamera.ts",
        "boot/2023-07-27--13-01-19.bz2",
        "catalog.txt",
        "rlog.bz2.md5",
    )
    os.utime(rlog, ns=(5, 1_700_000_000_123_456_789))

    found = find_logs([tmp_path])

    assert [log.path for log in found.logs] == [bare, rlog, qlog, flat]
    name = LogName(DONGLE, TIMED, 3, "rlog")
    assert found.logs[1] == LogFile(rlog, name, 8, 1_700_000_000_123_456_789)
    assert found == Found(logs=found.logs, videos=found.videos)
    assert [video.path.name for video in found.videos] == ["qcamera.ts"]


def test_orders_by_dongle_drive_number_and_kind(tmp_path):
    names = [
        f"{TIMED}--0/rlog",
        "0123abcd/0000000a--abcdefghij--0/qlog",
        f"0123abcd/{TIMED}--0/rlog",
        f"0123abcd/{TIMED}--2/rlog",
        f"0123abcd/{TIMED}--2/rlog.bz2",
        f"0123abcd/{TIMED}--2/qlog",
        f"0123abcd/{TIMED}--10/rlog.zst",
        f"0123abcd/{TIMED}--10/qlog.bz2",
        f"fedcba98/{TIMED}--1/rlog",
    ]
    make(tmp_path, *reversed(names))

    assert found_names(tmp_path) == names


def test_takes_a_given_file_whatever_its_name(tmp_path):
    odd, hidden, unfinished = make(tmp_path, f"{DONGLE}/{TIMED}--3/my.log", ".rlog", "rlog.part")

    assert find_logs([tmp_path]).logs == []
    found = find_logs([unfinished, odd, hidden])

    assert [log.path for log in found.logs] == [hidden, unfinished, odd]
    assert [log.name for log in found.logs] == [
        LogName(),
        LogName(),
        LogName(DONGLE, TIMED, 3, ""),
    ]


def test_lists_a_file_reached_twice_once(tmp_path):
    (log,) = make(tmp_path, f"b/{DONGLE}/{TIMED}--3/rlog")
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "rlog").symlink_to(log)
    folder = log.parent

    given = [tmp_path, folder, log, tmp_path / "a", tmp_path / "b" / ".." / "b"]
    for paths in given, given[::-1], [log, log], [folder, log], [log, folder]:
        assert len(find_logs(paths).logs) == 1
    assert find_logs(given).logs[0].path == log


def test_follows_links_but_not_in_circles(tmp_path):
    (log,) = make(tmp_path, f"elsewhere/{TIMED}--3/rlog")
    top = tmp_path / "top"
    (top / DONGLE).mkdir(parents=True)
    (top / DONGLE / f"{TIMED}--3").symlink_to(log.parent)
    (top / "around").symlink_to(top)
    (top / DONGLE / "up").symlink_to("..")
    (top / "itself").symlink_to("itself")

    found = find_logs([top])

    assert [item.path for item in found.logs] == [top / DONGLE / f"{TIMED}--3" / "rlog"]
    assert found.logs[0].name == LogName(DONGLE, TIMED, 3, "rlog")
    assert found.unreadable == []


def test_prefers_a_logs_own_path_to_a_link_found_earlier(tmp_path):
    (log,) = make(tmp_path, f"z/{DONGLE}/{TIMED}--3/rlog")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "latest").symlink_to(log.parent)
    (tmp_path / "a" / "rlog").symlink_to(log)

    assert [item.path for item in find_logs([tmp_path]).logs] == [log]


def test_takes_a_link_to_a_file_in_a_store_of_blobs(tmp_path):
    (blob,) = make(tmp_path, "blobs/4f3a")
    log = tmp_path / "logs" / DONGLE / f"{TIMED}--3" / "rlog.zst"
    log.parent.mkdir(parents=True)
    log.symlink_to(blob)

    (found,) = find_logs([tmp_path]).logs

    assert found.path == log
    assert found.size_bytes == len("4f3a")


def test_reports_a_broken_link_that_is_named_like_a_log(tmp_path):
    (tmp_path / "rlog.zst").symlink_to("gone")
    (tmp_path / "other").symlink_to("gone")

    found = find_logs([tmp_path])

    assert found == Found(unreadable=[(tmp_path / "rlog.zst", "no such file or directory")])


def test_leaves_out_hidden_and_unfinished_folders_and_files(tmp_path):
    make(
        tmp_path,
        f".trash/{TIMED}--3/rlog",
        f"{TIMED}--4.part/rlog",
        f"{TIMED}--4.tmp/rlog",
        f"{TIMED}--5/.rlog.zst.part",
        f"{TIMED}--5/rlog.zst.part",
        f"{TIMED}--5/rlog.zst.tmp",
        f"{TIMED}--5/.rlog.zst",
    )

    assert find_logs([tmp_path]) == Found()
    assert found_names(tmp_path, tmp_path / ".trash") == [f".trash/{TIMED}--3/rlog"]


def test_names_what_looks_like_a_log_and_is_not_taken(tmp_path):
    archive, odd, taken, *_ = make(
        tmp_path,
        f"{DONGLE}/{TIMED}--3.zip",
        f"{DONGLE}/{TIMED}--3/rlog.gz",
        f"{DONGLE}/{TIMED}--3/RLOG (1).ZST",
        f"{DONGLE}/{TIMED}--3/rlog.zst.part",
        f"{DONGLE}/{TIMED}--3/fcamera.hevc",
    )

    found = find_logs([tmp_path])

    assert found.not_taken == [odd, archive]
    assert [(log.path, log.name) for log in found.logs] == [
        (taken, LogName(DONGLE, TIMED, 3, "rlog"))
    ]
    assert find_logs([odd]).not_taken == []


@pytest.mark.parametrize(
    ("log", "lock", "is_locked"),
    [
        ("rlog", "rlog.lock", True),
        ("rlog.bz2", "rlog.bz2.lock", True),
        ("rlog.bz2", "rlog.lock", True),
        ("rlog.zst", "rlog.lock", True),
        ("qlog.zst", "rlog.lock", True),
        ("qlog.bz2", "rlog.bz2.lock", True),
        ("qlog", "qlog.lock", True),
        ("rlog", "qlog.lock", False),
        ("rlog", "fcamera.hevc.lock", False),
        (f"{TIMED}--3--rlog.zst", f"{TIMED}--3--rlog.zst.lock", True),
        (f"{TIMED}--3--qlog.zst", f"{TIMED}--3--rlog.lock", True),
        (f"{TIMED}--3--rlog.zst", f"{TIMED}--4--rlog.lock", False),
        (f"{TIMED}--3--rlog.zst", "rlog.lock", False),
    ],
)
def test_keeps_a_log_apart_while_it_is_written(tmp_path, log, lock, is_locked):
    path, _ = make(tmp_path, log, lock)

    for given in tmp_path, path:
        found = find_logs([given, given])
        assert found.locked == ([path] if is_locked else [])
        assert [item.path for item in found.logs] == ([] if is_locked else [path])


def test_a_lock_keeps_its_own_folder_only(tmp_path):
    make(tmp_path, f"{TIMED}--3/rlog", f"{TIMED}--4/rlog", f"{TIMED}--4/rlog.lock")

    found = find_logs([tmp_path])

    assert [item.name.segment_num for item in found.logs] == [3]
    assert found.locked == [tmp_path / f"{TIMED}--4" / "rlog"]


def test_reports_missing_paths_as_given(tmp_path):
    (file,) = make(tmp_path, "file")
    missing = [tmp_path / "no", file / "below", Path("not there")]

    assert find_logs(missing) == Found(missing=missing)


def test_reports_what_is_neither_file_nor_folder(tmp_path):
    os.mkfifo(tmp_path / "rlog")

    assert find_logs([tmp_path]) == Found()
    reason = "neither a file nor a folder"
    assert find_logs([tmp_path / "rlog"]) == Found(unreadable=[(tmp_path / "rlog", reason)])


def test_reports_a_given_path_that_fails(tmp_path):
    path = tmp_path / ("x" * 300)

    assert find_logs([path]) == Found(unreadable=[(path, "file name too long")])


def test_reports_a_folder_that_cannot_be_read_and_goes_on(tmp_path, monkeypatch):
    make(tmp_path, f"a/{TIMED}--1/rlog", f"b/{TIMED}--2/rlog")
    scandir = os.scandir

    def refuse(path):
        if path == str(tmp_path / "a"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = find_logs([tmp_path])

    assert [log.name.segment_num for log in found.logs] == [2]
    assert found.unreadable == [(tmp_path / "a", "permission denied")]


def test_names_a_log_given_relative_to_its_own_folder(tmp_path, monkeypatch):
    (log,) = make(tmp_path, f"{DONGLE}/{TIMED}--3/rlog")
    monkeypatch.chdir(log.parent)

    for given in "rlog", ".", "../..", f"../{TIMED}--3/rlog":
        (found,) = find_logs([Path(given)]).logs
        assert found.path == log
        assert found.name == LogName(DONGLE, TIMED, 3, "rlog")


def test_takes_the_folder_above_a_links_target(tmp_path):
    log, _ = make(tmp_path, f"real/{TIMED}--3/rlog", f"{TIMED}--4/rlog")
    (tmp_path / "link").symlink_to(log.parent)

    assert find_logs([tmp_path / "link" / ".."]).logs[0].path == log


def test_survives_hostile_names(tmp_path):
    byte_name = os.fsdecode(b"not utf-8 \xff\xfe")
    names = [f"{byte_name}/rlog", "new\nline/rlog", "\u202e/rlog", "-rf/rlog", f"rlog\n{byte_name}"]
    make(tmp_path, *names)

    assert sorted(found_names(tmp_path)) == sorted(names[:4])
    assert find_logs([tmp_path / names[4]]).logs[0].name == LogName()


def test_finds_nothing_in_nothing(tmp_path):
    assert find_logs([]) == Found()
    assert find_logs([tmp_path]) == Found()


def test_lists_thousands_of_segments(tmp_path):
    for number in range(2000):
        folder = tmp_path / f"{TIMED}--{number}"
        folder.mkdir()
        (folder / "rlog").touch()

    found = find_logs([tmp_path])

    assert [log.name.segment_num for log in found.logs] == list(range(2000))
