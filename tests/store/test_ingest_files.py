"""Of a segment's files the best is kept: damaged, moved, copied, locked and nameless ones."""

from __future__ import annotations

import shutil
from itertools import permutations
from pathlib import Path

import pytest

from engagement.extract.segment import ReadOptions
from engagement.names import drive_started_at, is_drive
from tests.store.small_logs import ONE, OTHER, Drive, content, messages, write

ERAS = Path(__file__).parents[1] / "data" / "eras"
NAMELESS = Drive(dongle_id="")


def test_an_rlog_takes_the_place_of_the_qlog_and_never_the_other_way_round(store):
    qlog = write(store.logs, ONE, 0, "qlog")
    store.ingest()
    assert store.segments() == [(0, "qlog", "ok")]

    rlog = write(store.logs, ONE, 0, "rlog")
    store.ingest()
    assert store.segments() == [(0, "rlog", "ok")]
    before = store.state()

    alone = store.ingest(qlog)
    rlog.unlink()
    qlog.write_bytes(content(OTHER, 0, "qlog"))
    changed = store.ingest()

    assert (alone.n_superseded, changed.n_superseded) == (1, 1)
    assert store.state() == before


def test_a_failed_rlog_falls_back_to_the_qlog_until_it_is_whole(store):
    write(store.logs, ONE, 0, "qlog")
    rlog = store.logs / ONE.path(0)
    rlog.write_bytes(b"\0" * 100)

    report = store.ingest()

    assert [(problem.path, problem.status) for problem in report.problems] == [
        (str(rlog), "failed")
    ]
    assert store.segments() == [(0, "qlog", "ok")]
    write(store.logs, ONE, 0)
    store.ingest()
    assert store.segments() == [(0, "rlog", "ok")]


def test_two_failed_logs_do_not_take_turns(store):
    for kind in ("rlog", "qlog"):
        path = store.logs / ONE.path(0, kind)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(kind.encode())
    store.ingest()
    before = store.state()
    assert store.segments() == [(0, "rlog", "failed")]

    for _ in range(2):
        store.ingest()
        assert store.state() == before


@pytest.mark.parametrize(
    ("drive", "codec"),
    [(ONE, "zst"), (NAMELESS, "zst"), (NAMELESS, "none")],
    ids=["device in path", "device in log", "same bytes"],
)
def test_copies_of_a_segment_do_not_take_turns(store, drive, codec):
    paths = [
        store.logs / place / drive.path(0, "rlog", codec).lstrip("/")
        for place, codec in (("a", "none"), ("b", codec))
    ]
    for path in paths:
        path.parent.mkdir(parents=True)
    paths[0].write_bytes(content(ONE, 0))
    paths[1].write_bytes(content(ONE, 0, codec=codec))
    store.ingest()
    before = store.state()
    assert store.segments("path") == [(str(paths[0]),)]

    for again in ([store.logs], paths[1:]):
        store.ingest(*again)
        assert store.state() == before

    paths[0].unlink()
    store.ingest()
    assert store.segments("path, status") == [(str(paths[1]), "ok")]
    assert store.ingest().to_read == []


def test_a_qlog_beside_its_rlog_is_not_read_though_no_path_names_the_device(store):
    for kind in ("rlog", "qlog"):
        path = store.logs / f"{ONE.name}--0" / kind
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content(ONE, 0, kind))

    assert store.ingest().n_ingested == 1

    again = store.ingest()
    assert (again.to_read, again.n_unchanged, again.n_superseded) == ([], 1, 1)


def test_a_moved_file_is_unchanged(store):
    old = write(store.logs, ONE, 0)
    store.ingest()
    new = store.logs / "archive" / ONE.path(0)
    new.parent.mkdir(parents=True)
    old.rename(new)

    report = store.ingest()

    assert (report.n_ingested, report.n_unchanged) == (0, 1)
    assert store.segments("path") == [(str(new),)]
    assert store.ingest().to_read == []


def test_a_log_that_is_being_written_waits(store):
    path = write(store.logs, ONE, 0)
    lock = path.with_name("rlog.lock")
    lock.touch()
    report = store.ingest()
    assert (report.locked, report.n_ingested) == ([str(path)], 0)

    lock.unlink()
    assert store.ingest().n_ingested == 1


def test_a_cut_file_gives_what_is_whole_until_the_rest_comes(store):
    whole = content(ONE, 0)
    path = store.logs / ONE.path(0)
    path.parent.mkdir(parents=True)
    path.write_bytes(whole[: len(whole) // 2])

    report = store.ingest()

    [(status, damage, n_messages)] = store.segments("status, damage, n_messages")
    assert (report.n_partial, report.n_ingested, status) == (1, 1, "partial")
    assert f"message at byte {_last_border(whole, len(whole) // 2)} " in damage
    assert 0 < n_messages < len(messages(ONE, 0))
    assert store.ingest().to_read == []

    path.write_bytes(whole)
    store.ingest()
    whole_row = ("ok", None, len(messages(ONE, 0)))
    assert store.segments("status, damage, n_messages") == [whole_row]

    copy = store.folder / "copy" / ONE.path(0)
    copy.parent.mkdir(parents=True)
    copy.write_bytes(whole[:-8])
    before = store.state()
    for paths in ([copy], [copy.parents[2], store.logs]):
        report = store.ingest(*paths)
        assert (report.n_ingested, report.n_superseded) == (0, 1)
    path.write_bytes(whole[:-8])
    assert store.ingest().n_superseded == 1
    assert store.state() == before


def _last_border(raw, cut):
    """Where the message starts in which the cut is."""
    end = 0
    for message in messages(ONE, 0):
        if end + len(message) > cut:
            break
        end += len(message)
    assert raw.startswith(b"".join(messages(ONE, 0)))
    return end


def test_partial_copies_with_as_many_messages_do_not_take_turns(store):
    for place, n_cut in (("a", 8), ("b", 16)):
        path = store.logs / place / ONE.path(0)
        path.parent.mkdir(parents=True)
        path.write_bytes(content(ONE, 0)[:-n_cut])
    store.ingest()
    before = store.state()
    assert len(store.segments()) == 1

    for _ in range(2):
        store.ingest()
        assert store.state() == before


def test_garbage_is_a_failed_segment_until_it_is_put_right(store):
    write(store.logs, ONE, 0)
    path = store.logs / ONE.path(1, codec="bz2")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"BZh9 is how bz2 starts")

    report = store.ingest()

    assert (report.n_ingested, report.n_failed) == (1, 1)
    assert store.segments() == [(0, "rlog", "ok"), (1, "rlog", "failed")]
    numbers = "select n_segments, n_missing_segments, duration_s < 11 as is_short from drives"
    assert tuple(store.row(numbers).values()) == (1, 1, True)
    again = store.ingest()
    assert (again.to_read, again.n_unchanged, again.n_failed_before) == ([], 2, 1)

    write(store.logs, ONE, 1, codec="bz2")
    store.ingest()
    assert store.segments() == [(0, "rlog", "ok"), (1, "rlog", "ok")]
    assert tuple(store.row(numbers).values()) == (2, 0, False)


def test_files_that_cannot_be_opened_are_told_and_the_others_ingested(store):
    write(store.logs, ONE, 0)
    broken = store.logs / ONE.path(1)
    broken.parent.mkdir(parents=True)
    broken.symlink_to(store.folder / "nowhere")
    unreadable = store.logs / ONE.path(2)
    unreadable.parent.mkdir(parents=True)
    unreadable.symlink_to("/proc/self/mem")
    (store.logs / ONE.path(3, codec="zst")).mkdir(parents=True)

    report = store.ingest()

    told = {problem.path: problem.problem for problem in report.problems}
    assert told == {str(broken): "no such file or directory", str(unreadable): "Input/output error"}
    assert (report.n_failed, report.n_ingested) == (2, 1)
    assert store.segments() == [(0, "rlog", "ok")]


@pytest.mark.parametrize("era", ["2021-03_v0.8.3", "2025-03_v0.9.9"])
def test_a_file_alone_is_known_by_what_is_in_it(store, era):
    original = next((ERAS / era / "rlogs").glob("*/*--0/rlog.*"))
    single = store.folder / "downloaded.log"
    shutil.copy(original, single)

    store.ingest(single)

    found = store.row("select dongle_id, drive, log_kind from segments")
    assert (found["dongle_id"], found["log_kind"]) == (original.parent.parent.name, "rlog")
    # The name is no time, which would be a local one; its clock tells when it was.
    assert drive_started_at(found["drive"]) is None
    assert is_drive(found["drive"])
    started = store.row("select strftime(started_at_utc, '%Y-%m-%d %H:%M') as at from drives")
    assert started == {"at": "2023-11-14 22:13"}
    assert store.ingest(single).to_read == []


def test_logs_whose_names_are_lost_are_one_drive_by_their_init_data(store):
    """In folders that say nothing, a segment as rlog and as qlog; a device for each order."""
    orders = list(permutations(range(3)))
    drives = [Drive(f"{case:016x}", shift_s=case / 10) for case in range(1, len(orders) + 1)]
    for drive, order in zip(drives, orders, strict=True):
        for folder, number in enumerate(order):
            path = store.logs / f"folder {drive.shift_s:.0%} {folder}" / "rlog"
            path.parent.mkdir()
            path.write_bytes(content(drive, 6 * number))
            path.with_name("qlog").write_bytes(content(drive, 6 * number, "qlog"))

    report = store.ingest()

    segments = store.segments("dongle_id, segment_num, log_kind, start_mono_ns")
    assert [row[:3] for row in segments] == [
        (drive.dongle_id, number, "rlog") for drive in drives for number in range(3)
    ]
    for drive in drives:
        starts = [row[3] for row in segments if row[0] == drive.dongle_id]
        assert starts == sorted(starts)
    assert len(report.drives) == len(store.rows("from drives")) == len(drives)
    assert {path.rsplit("/")[-1] for path in store.ingest().to_read} == {"qlog"}
    assert store.segments("dongle_id, segment_num, log_kind, start_mono_ns") == segments


def test_short_segments_of_lost_names_are_kept_apart(store):
    """Several begin within the minute that one segment takes."""
    for number in range(3):
        path = store.logs / str(number) / "rlog"
        path.parent.mkdir()
        path.write_bytes(content(ONE, number))
    store.ingest()
    assert store.segments("segment_num") == [(0,), (1,), (2,)]
    assert store.row("select count(*) as n from drives") == {"n": 1}


def test_a_device_is_named_for_logs_that_name_none(store):
    path = store.logs / f"{ONE.name}--0" / "rlog"
    path.parent.mkdir()
    path.write_bytes(content(NAMELESS, 0))

    nameless = store.ingest()
    [problem] = nameless.problems
    assert problem.problem == "no device is named by its path or in it; name one with --device"
    assert (nameless.n_failed, store.segments()) == (1, [])

    store.ingest(read=ReadOptions(device="00ff00ff00ff00ff"))
    assert store.segments("dongle_id, drive") == [("00ff00ff00ff00ff", ONE.name)]


def test_what_path_and_log_say_of_the_device_goes_before_the_named_one(store):
    write(store.logs, ONE, 0)
    own = store.logs / f"{OTHER.name}--0" / "rlog"
    own.parent.mkdir()
    own.write_bytes(content(OTHER, 0))

    store.ingest(read=ReadOptions(device="00ff00ff00ff00ff"))

    assert store.segments("dongle_id") == [(ONE.dongle_id,), (OTHER.dongle_id,)]
