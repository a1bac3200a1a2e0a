"""Bookmarks and preserved routes of a server: what is kept of them beside the logs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engagement.server_marks import MAX_BOOKMARKS, Bookmark, Marks, marks_name, read_marks
from tests.servers.stand_in import TOKEN, Fault, Route
from tests.servers.test_collector import DONGLE_ID, DRIVE, ROUTE, collect, tree

if TYPE_CHECKING:
    from tests.servers.stand_in import StandIn

FILE = f"{DONGLE_ID}/{marks_name(DRIVE)}"


def event(kind: str, time_ns: object) -> dict[str, object]:
    return {"type": kind, "time": time_ns, "offset_millis": 1, "data": {"private": "words"}}


@pytest.fixture(autouse=True)
def route(server: StandIn) -> Route:
    """A preserved route of three segments, with bookmarks in two of them."""
    files = {number: {"qlog": b"log"} for number in range(3)}
    found = Route(DONGLE_ID, DRIVE, files, is_preserved=True)
    found.events = {
        0: [event("engage", 5), event("user_flag", 70), event("user_bookmark", 60)],
        1: [event("state", 90)],
        2: [event("user_bookmark", 200)],
    }
    return server.add(found)


@pytest.mark.parametrize("text", ["connect", ROUTE])
def test_times_and_nothing_else_are_kept(server, tmp_path, text):
    report = collect(server, tmp_path, text)

    assert (report.is_good, report.notes) == (True, [])
    assert json.loads((tmp_path / FILE).read_bytes()) == {
        "is_preserved": True,
        "bookmarks": [
            {"segment_num": 0, "mono_ns": 60},
            {"segment_num": 0, "mono_ns": 70},
            {"segment_num": 2, "mono_ns": 200},
        ],
    }
    assert not any(TOKEN in str(one) for one in server.asked("", "blobs"))


def test_what_is_preserved_later_is_noticed_and_no_events_are_asked_for_again(
    server, route, tmp_path
):
    route.is_preserved = False
    collect(server, tmp_path)
    before = len(server.asked("events.json", "blobs"))
    assert read_marks(tmp_path / FILE).is_preserved is False
    for is_preserved in (True, False):
        route.is_preserved = is_preserved
        collect(server, tmp_path)
        found = read_marks(tmp_path / FILE)
        assert (found.is_preserved, len(found.bookmarks)) == (is_preserved, 3)
    assert len(server.asked("events.json", "blobs")) == before


def test_segments_that_come_later_are_added(server, tmp_path):
    collect(server, tmp_path, f"{ROUTE}/0")
    assert [one.segment_num for one in read_marks(tmp_path / FILE).bookmarks] == [0, 0]
    collect(server, tmp_path, ROUTE)
    assert [one.segment_num for one in read_marks(tmp_path / FILE).bookmarks] == [0, 0, 2]


def test_where_there_is_nothing_to_say_there_is_no_file(server, route, tmp_path):
    route.is_preserved, route.events = False, {1: [event("engage", 5)]}
    collect(server, tmp_path)
    assert FILE not in tree(tmp_path)


def test_a_dry_run_keeps_nothing(server, tmp_path):
    collect(server, tmp_path, dry_run=True)
    assert tree(tmp_path) == {}
    assert not server.asked("events.json", "blobs")


@pytest.mark.parametrize(
    "text",
    [
        b"", b"[", b"\xff", b"null", b"{}", b"[1]", b"[{}]", b"[" * 100_000,
        b'[{"type": "user_flag", "time": -1}]', b'[{"type": "user_flag", "time": 1e300}]',
        b'[{"type": "user_flag", "time": 9223372036854775808}]',
    ],
)  # fmt: skip
def test_events_that_are_none_cost_only_themselves(server, tmp_path, text):
    server.faults = [Fault("/0/events.json", body=text)]
    report = collect(server, tmp_path)

    assert (report.is_good, len(report.collected)) == (True, 3)
    found = read_marks(tmp_path / FILE)
    assert found.is_preserved
    assert all(one.segment_num != 0 for one in found.bookmarks)
    if text:
        (note,) = report.notes
        assert note.startswith(f"{ROUTE}: no bookmarks: the events of segment 0 can't be unders")


@pytest.mark.parametrize(
    "fault",
    [Fault("events.json", 9, status=500), Fault("events.json", 9, status=302,
     headers={"Location": "http://127.0.0.1:1/"})],
)  # fmt: skip
def test_an_answer_that_is_no_file_says_nothing(server, tmp_path, fault):
    server.faults = [fault]
    report = collect(server, tmp_path)
    assert (report.is_good, report.notes) == (True, [])
    assert read_marks(tmp_path / FILE) == Marks(is_preserved=True)


def test_a_cut_connection_is_said(server, tmp_path):
    server.faults = [Fault("/2/events.json", cut_after_bytes=3)]
    report = collect(server, tmp_path)
    assert report.notes == [f"{ROUTE}: no bookmarks: its events: the connection was cut"]
    assert [one.segment_num for one in read_marks(tmp_path / FILE).bookmarks] == [0, 0]


@pytest.mark.parametrize("url", ["file:///etc", "ftp://example.org/x", "http://[", "x?y", None, ""])
def test_an_address_of_another_kind_is_not_asked(server, tmp_path, monkeypatch, url):
    describe = server._api.RequestHandlerClass._describe
    monkeypatch.setattr(
        server._api.RequestHandlerClass,
        "_describe",
        lambda self, one: describe(self, one) | {"url": url},
    )
    report = collect(server, tmp_path)
    assert (report.is_good, report.notes) == (True, [])
    assert not server.asked("events.json", "blobs")


def test_many_bookmarks_are_no_more_than_are_read_again(server, route, tmp_path):
    route.events = {n: [event("user_flag", i) for i in range(MAX_BOOKMARKS)] for n in range(3)}
    collect(server, tmp_path)
    found = read_marks(tmp_path / FILE)
    assert len(found.bookmarks) == MAX_BOOKMARKS
    assert found.bookmarks[0] == Bookmark(0, 0)


def test_a_file_that_is_spoilt_is_written_anew(server, tmp_path):
    file = tmp_path / FILE
    file.parent.mkdir()
    file.write_text("[")
    collect(server, tmp_path)
    assert len(read_marks(file).bookmarks) == 3
