"""Bookmarks that a server knows are those of the logs where these have none."""

from __future__ import annotations

import os

import pytest

from engagement.errors import ConfigError
from engagement.logs.writer import EventBuilder, write_log
from engagement.server_marks import Bookmark, Marks, marks_name, read_marks, write_marks
from tests.store.small_logs import BOOT_NS, ONE, SECOND_NS, messages, write

FILE = f"{ONE.dongle_id}/{marks_name(ONE.name)}"
IN_SECOND = BOOT_NS + 12 * SECOND_NS


@pytest.fixture
def drive(store):
    """A drive of three segments; the logs of the last two have no bookmark."""
    write(store.logs, ONE, 0)
    for number in (1, 2):
        path = store.logs / ONE.path(number)
        path.parent.mkdir(parents=True)
        path.write_bytes(without_bookmark(number))
    return store


def without_bookmark(number):
    return write_log([one for one in messages(ONE, number) if not is_bookmark(one)], "none")


def is_bookmark(message):
    return len(message) == len(EventBuilder().event("userBookmark", 1, {}))


def bookmarks(store):
    rows = store.rows("from bookmarks order by mono_ns, source")
    return [(row["segment_num"], row["mono_ns"], row["source"]) for row in rows]


OF_LOG = (0, BOOT_NS + 5 * SECOND_NS, "userBookmark")


def tell(store, *told, is_preserved=False):
    write_marks(store.logs / FILE, Marks(is_preserved, tuple(Bookmark(*one) for one in told)))


def test_a_bookmark_of_a_server_counts_where_the_log_has_none(drive):
    tell(drive, (0, BOOT_NS + SECOND_NS), (1, IN_SECOND), (1, IN_SECOND), is_preserved=True)
    drive.ingest()
    assert bookmarks(drive) == [OF_LOG, (1, IN_SECOND, "server")]


def test_what_a_server_says_later_is_taken_and_what_it_takes_back_goes(drive):
    drive.ingest()
    for told in ([(1, IN_SECOND), (1, IN_SECOND + 1)], [(1, IN_SECOND + 1)]):
        tell(drive, *told)
        report = drive.ingest()
        assert report.n_ingested == 0
        assert bookmarks(drive) == [OF_LOG, *((*one, "server") for one in told)]
    before = drive.state()
    drive.ingest()
    assert drive.state() == before
    drive.ingest(reprocess=True)
    assert bookmarks(drive) == [OF_LOG, (1, IN_SECOND + 1, "server")]
    tell(drive)
    drive.ingest()
    assert bookmarks(drive) == [OF_LOG]


def test_a_time_outside_its_segment_and_a_segment_that_is_not_here_are_left_out(drive):
    tell(drive, (1, 0), (1, BOOT_NS), (2, IN_SECOND), (7, IN_SECOND), (1, (1 << 62) - 1))
    drive.ingest()
    assert bookmarks(drive) == [OF_LOG]


def test_a_preserved_drive_without_bookmarks_is_marked_at_its_start(drive):
    drive.logs.joinpath(ONE.path(0)).write_bytes(without_bookmark(0))
    tell(drive, is_preserved=True)
    drive.ingest()
    [(segment_num, mono_ns, source)] = bookmarks(drive)
    start = drive.row("select min(start_mono_ns) as ns from log.segment")["ns"]
    assert (segment_num, mono_ns, source) == (0, start, "preserved")
    tell(drive, (2, BOOT_NS + 22 * SECOND_NS), is_preserved=True)
    drive.ingest()
    assert [source for *_, source in bookmarks(drive)] == ["server"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "can't be understood"),
        (b"[" * 100_000, "can't be understood"),
        (b"\xff\xfe", "can't be understood"),
        (b'{"is_preserved": 1}', "can't be understood"),
        (b'{"bookmarks": [{"segment_num": -1, "mono_ns": 1}]}', "can't be understood"),
        (b'{"bookmarks": [{"segment_num": 1, "mono_ns": 99999999999999999999}]}', "understood"),
        (b" " * ((1 << 20) + 1), "has over 1 MB"),
        (None, "is no file"),
    ],
    ids=range(8),
)
def test_a_file_that_is_none_is_refused(tmp_path, text, said):
    file = tmp_path / marks_name(ONE.name)
    if text is None:
        os.mkfifo(file)
    else:
        file.write_bytes(text)
    with pytest.raises(ConfigError, match=said):
        read_marks(file)


def test_a_file_that_is_none_is_said_and_the_logs_are_ingested(drive):
    file = drive.logs / FILE
    file.write_bytes(b"[" * 100_000)
    report = drive.ingest()
    [problem] = report.problems
    assert problem.path == str(file)
    assert "can't be understood" in problem.problem
    assert report.n_ingested == 3
    assert bookmarks(drive) == [OF_LOG]
