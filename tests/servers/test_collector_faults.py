"""What a server does wrong, over real HTTP, and what comes nevertheless."""

from __future__ import annotations

import random
import threading
from typing import TYPE_CHECKING, Any

import pytest

from engagement.collect.connection import Timeouts
from engagement.collect.pace import Patience, Stop
from tests.servers.collecting import (
    DONGLE_ID,
    DRIVE,
    LATER,
    ROUTE,
    collect,
    expected,
    log_of,
    tree,
)
from tests.servers.stand_in import Fault, Route
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from engagement.collect.report import DeviceReport

pytestmark = pytest.mark.usefixtures("route", "no_secret_leaves")


def test_a_cut_download_goes_on_where_it_stopped(server, route, tmp_path):
    server.faults = [Fault("/0/qlog", 2, cut_after_bytes=20_000)]
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert report.n_retries == 2
    assert tree(tmp_path) == expected(route, "qlog")
    ranges = [one.headers.get("range") for one in server.asked("/0/qlog", "blobs")]
    assert ranges == [None, "bytes=19999-", "bytes=39998-"]


@pytest.mark.parametrize("seed", range(20))
def test_downloads_cut_anywhere_by_several_runs_are_equal(server, route, tmp_path, seed):
    generator = random.Random(seed)
    for _ in range(3):
        cut = generator.randrange(1, 60_000)
        server.faults = [Fault("qlog", 3, cut_after_bytes=cut)]
        collect(server, tmp_path, ROUTE, patience=Patience(0, 0.01, 0.01))
    server.faults = []
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert tree(tmp_path) == expected(route, "qlog")


def test_a_server_without_ranges_sends_all_again(server, route, tmp_path):
    server.faults = [
        Fault("/0/qlog", 1, cut_after_bytes=20_000),
        Fault("/0/qlog", 1, no_ranges=True),
    ]
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert tree(tmp_path) == expected(route, "qlog")


@pytest.mark.parametrize("n_bytes", [500, 61_000, 10**6])
def test_what_was_left_of_another_file_is_not_gone_on_with(server, route, tmp_path, n_bytes):
    part = tmp_path / DONGLE_ID / f"{DRIVE}--0" / "qlog.bz2.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * n_bytes)
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert tree(tmp_path) == expected(route, "qlog")


def test_an_address_that_has_expired_is_asked_for_again(server, route, tmp_path):
    server.faults = [Fault("/1/qlog", 1, status=403)]
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert tree(tmp_path) == expected(route, "qlog")
    assert len(server.asked("/files")) == 2


def test_a_list_whose_addresses_are_past_their_time_is_asked_for_again(
    server, route, tmp_path, monkeypatch
):
    signed, lists = server.address, []

    def address(*words: Any) -> str:
        server.lifetime_s = -1.0 if len(server.asked("/files")) == 1 else 3600.0
        lists.append(server.lifetime_s)
        return signed(*words)

    monkeypatch.setattr(server, "address", address)
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert tree(tmp_path) == expected(route, "qlog")
    assert set(lists) == {-1.0, 3600.0}
    assert len(server.asked("qlog", "blobs")) > 3


def test_addresses_that_are_never_good_fail_by_name_and_the_rest_comes(server, tmp_path):
    server.faults = [Fault("/1/qlog", 100, status=403)]
    report = collect(server, tmp_path, ROUTE)

    assert report.failed == [(f"{ROUTE}/1/qlog.bz2", "its address does not open it (403)")]
    assert len(report.collected) == 2
    assert not report.is_good


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_pass_is_tried_again(server, route, tmp_path, status):
    server.faults = [
        Fault("/files", 1, status=status),
        Fault(f"/v1/route/{ROUTE}/", 1, status=status),
        Fault("/2/qlog", 1, status=status),
    ]
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert tree(tmp_path) == expected(route, "qlog")
    assert report.n_retries == 3


def test_a_server_that_asks_to_wait_is_waited_for(server, tmp_path):
    server.faults = [Fault("/files", 1, status=429, headers={"Retry-After": "1"})]
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert report.duration_s >= 1


def test_a_server_that_asks_to_wait_for_hours_is_left(server, tmp_path):
    server.faults = [Fault("/files", 1, status=429, headers={"Retry-After": "7200"})]
    report = collect(server, tmp_path, ROUTE)

    assert report.problem == "too many requests (429); it asks to wait 7200 s"


def test_a_problem_that_stays_is_said(server, tmp_path):
    server.faults = [Fault("/files", 100, status=503)]

    assert collect(server, tmp_path, ROUTE).problem == "the server has a problem (503)"
    assert len(server.asked("/files")) == 3


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (None, "it asks for a token (403); docs/collect.md says where one comes from"),
        ("wrong", "the token from auth.json does not open this (401)"),
        (
            "eyJhbGciOiJSUzI1NiJ9.eyJleHAiOjEwMDAwMDAwMDB9.c2ln",
            "the token from auth.json expired on 2001-09-09",
        ),
    ],
)
def test_who_is_not_let_in_is_told_why(server, tmp_path, token, said):
    assert collect(server, tmp_path, ROUTE, token=token).problem == said


def test_a_route_that_is_not_there_is_said(server, tmp_path):
    missing = f"{DONGLE_ID}|2001-01-01--00-00-00"
    report = collect(server, tmp_path, missing)

    assert report.problem == f"there is no '/v1/route/{DONGLE_ID}|2001-01-01--00-00-00/' (404)"


def test_a_file_that_was_deleted_meanwhile_is_counted(server, tmp_path):
    server.faults = [Fault("/1/qlog", 1, status=404)]
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert report.n_gone == 1
    assert len(report.collected) == 2


def test_the_token_does_not_follow_a_redirect_to_another_host(server, tmp_path):
    server.faults = [Fault("/files", 1, status=302, headers={"Location": f"{server.blobs}/x"})]
    report = collect(server, tmp_path, ROUTE)

    assert report.problem is not None
    assert "it redirects to '127.0.0.1'; the token is not sent there" in report.problem
    assert not server.asked("", "blobs")


def test_a_file_that_redirects_to_another_host_without_https_is_refused(server, tmp_path):
    server.faults = [Fault("/1/qlog", 9, status=302, headers={"Location": "http://192.0.2.1/x"})]
    report = collect(server, tmp_path, ROUTE)

    said = "it redirects to '192.0.2.1' without https"
    assert report.failed == [(f"{ROUTE}/1/qlog.bz2", said)]


def test_a_server_that_is_silent_is_given_up_and_what_came_stays(server, tmp_path):
    server.faults = [Fault("/2/qlog", 9, silent_s=3)]
    report = collect(
        server, tmp_path, ROUTE, timeouts=Timeouts(1, 1, 1), patience=Patience(0, 0.01, 0.01)
    )

    assert report.failed == [(f"{ROUTE}/2/qlog.bz2", "no answer in time")]
    assert len(report.collected) == 2


def test_no_server_at_all(server, tmp_path):
    server.close()

    problem = collect(server, tmp_path, ROUTE).problem
    assert problem is not None
    assert problem.startswith("can't be reached")


def test_bytes_after_the_announced_ones_are_not_taken(server, route, tmp_path):
    server.faults = [Fault("/0/qlog", 1, extra=b"HTTP/1.1 200 OK\r\n\r\nmore")]
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert tree(tmp_path) == expected(route, "qlog")


def test_a_file_whose_end_does_not_decode_is_fetched_again(server, route, tmp_path):
    server.faults = [Fault("/0/qlog", 1, body=route.files[0]["qlog.bz2"][:-9])]
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert tree(tmp_path) == expected(route, "qlog")


def test_a_file_that_is_damaged_there_comes_as_it_is_and_a_note_says_so(server, route, tmp_path):
    route.files[0]["qlog.bz2"] = route.files[0]["qlog.bz2"][:-9]
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert tree(tmp_path) == expected(route, "qlog")
    assert report.notes == [f"{ROUTE}/0/qlog.bz2: its end is damaged there, too"]


@pytest.mark.parametrize(
    "answer",
    [b"", b"{", b"[]", b'{"logs": 3}', b'{"qlogs": [1]}', b"[" * 100_000, b"\xff\xfe"],
)
def test_an_answer_that_is_none_is_said(server, tmp_path, answer, monkeypatch):
    handler = server._api.RequestHandlerClass
    monkeypatch.setattr(handler, "_send", lambda self, *_: _send_raw(self, answer))
    problem = collect(server, tmp_path, ROUTE).problem

    assert problem is not None
    assert "can't be understood" in problem
    assert not tree(tmp_path)


def _send_raw(handler: Any, body: bytes) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


@pytest.mark.parametrize(
    "path",
    [
        "/store/0123456789abcdef/2025-07-31--10-20-30/../../../x/0/qlog.bz2",
        "/store/fedcba9876543210/2025-07-31--10-20-30/0/qlog.bz2",
        "/store/0123456789abcdef/2025-07-31--10-20-30/0/auth.json",
        "/store/0123456789abcdef/2025-07-31--10-20-30/-1/qlog.bz2",
        "/store/0123456789abcdef/2025-07-31--10-20-30/0%2F..%2F..%2Fqlog.bz2",
    ],
)
def test_a_file_that_is_none_of_the_route_is_not_asked_for(server, tmp_path, path, monkeypatch):
    monkeypatch.setattr(server, "address", lambda *_: f"{server.blobs}{path}")
    report = collect(server, tmp_path, ROUTE)

    assert report.is_good
    assert not tree(tmp_path)
    assert not server.asked("", "blobs")


def test_a_stop_ends_a_download_at_once_and_it_goes_on_later(server, route, tmp_path):
    server.faults = [Fault("/0/qlog", 1, cut_after_bytes=20_000), Fault("/0/qlog", 1, silent_s=9)]
    stop = Stop()
    timeouts = Timeouts(20, 20, 20)
    found: list[DeviceReport] = []
    thread = threading.Thread(
        target=lambda: found.append(
            collect(server, tmp_path, f"{ROUTE}/0", stop=stop, timeouts=timeouts)
        )
    )
    thread.start()
    wait_for(lambda: len(server.asked("/0/qlog", "blobs")) == 2)
    stop.set()
    thread.join(5)

    assert not thread.is_alive()
    assert found[0].problem == "stopped"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["qlog.bz2.part"]
    assert collect(server, tmp_path, ROUTE).is_good
    assert tree(tmp_path) == expected(route, "qlog")


def test_a_file_in_the_place_of_a_folder_is_a_conflict(server, tmp_path):
    (tmp_path / DONGLE_ID).mkdir()
    (tmp_path / DONGLE_ID / f"{DRIVE}--0").write_bytes(b"mine")
    report = collect(server, tmp_path, ROUTE)

    assert len(report.conflicts) == 1
    assert len(report.collected) == 2


@pytest.mark.parametrize("status", [418, 500])
def test_a_route_that_a_server_fails_at_does_not_stop_those_after_it(server, tmp_path, status):
    later = server.add(Route(DONGLE_ID, LATER, {0: {"qlog.bz2": log_of(9)}}, create_time=10**10))
    server.faults = [Fault(f"{DRIVE}/files", 100, status=status)]
    report = collect(server, tmp_path / "first", f"connect:{DONGLE_ID}")

    assert tree(tmp_path / "first") == expected(later, "qlog")
    assert [name for name, _ in report.failed] == [ROUTE]
    assert report.problem is None
    assert not report.is_good

    server.faults = [Fault("/files", 100, status=status)]
    assert str(status) in collect(server, tmp_path / "again", f"connect:{DONGLE_ID}").problem
