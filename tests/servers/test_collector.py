"""Logs from a server, over real HTTP, through all that such a server does wrong."""

from __future__ import annotations

import bz2
import random
import threading
from contextlib import closing
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from engagement.collect.collect_options import CollectOptions
from engagement.collect.collector import run_jobs
from engagement.collect.connection import Timeouts
from engagement.collect.pace import Patience, Rate, Stop
from engagement.collect.plan import WantedLogs
from engagement.filters import Selection
from engagement.servers.addresses import parse_address
from engagement.servers.collector import Collection, ServerOptions, ServerSource
from engagement.servers.known import Server
from engagement.servers.tokens import Token
from tests.servers.stand_in import TOKEN, Fault, Route
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engagement.collect.report import DeviceReport
    from tests.servers.stand_in import StandIn

DONGLE_ID = "0123456789abcdef"
DRIVE = "2025-07-31--10-20-30"
LATER = "0000002a--0123456789"
ROUTE = f"{DONGLE_ID}|{DRIVE}"


def log_of(seed: int, n_bytes: int = 60_000) -> bytes:
    """A compressed file that does not compress."""
    return bz2.compress(random.Random(seed).randbytes(n_bytes))


@pytest.fixture(autouse=True)
def route(server: StandIn) -> Route:
    """A route of three segments with qlogs, of which one has an rlog and a video."""
    files = {number: {"qlog.bz2": log_of(number)} for number in range(3)}
    files[1] |= {"rlog.bz2": log_of(100), "qcamera.ts": b"video", "fcamera.hevc": b"large"}
    return server.add(Route(DONGLE_ID, DRIVE, files))


def collect(
    server: StandIn,
    folder: Path,
    *texts: str,
    kind: Any = "qlog",
    token: str | None = TOKEN,
    stop: Stop | None = None,
    **changes: Any,
) -> DeviceReport:
    """Collect from some addresses; what comes is the first report."""
    stop = stop or Stop()
    wanted = WantedLogs(
        kind,
        Selection.of(**changes.pop("drives", {})),
        with_video=changes.pop("with_video", False),
    )
    asks = ServerOptions(
        request_upload=changes.pop("request_upload", False),
        calls_a_minute=changes.pop("calls_a_minute", 1000),
    )
    options = CollectOptions(
        wanted=wanted,
        timeouts=Timeouts(10, 10, 10),
        patience=Patience(retries=2, first_wait_s=0.01, longest_wait_s=0.02),
    )
    options = replace(options, **changes)
    found = Server("comma", server.api, f"{server.api}/athena/{{dongle_id}}")
    sources = []
    for text in texts or ("connect",):
        address = parse_address(text)
        assert address is not None
        its = Token(token, "auth.json") if token else None
        sources.append(ServerSource(address, found, its))
    rate = Rate(None, stop)
    collection = Collection(folder, options, asks, stop=stop, rate=rate, show=lambda _: None)
    with closing(collection):
        return run_jobs([*collection.jobs(sources)], stop)[0]


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def expected(route: Route, *names: str) -> dict[str, bytes]:
    return {
        f"{route.dongle_id}/{route.log_id}--{number}/{name}": content
        for number, files in route.files.items()
        for name, content in files.items()
        if name.split(".")[0] in names
    }


def is_kept_secret(server: StandIn) -> bool:
    """Whether the token went to the API alone."""
    others = [one for one in server.requests if one.where != "api"]
    return not any(TOKEN in str(one) for one in others)


def test_all_devices_of_an_account_come_into_the_folders_of_their_names(server, route, tmp_path):
    other = server.add(Route("fedcba9876543210", LATER, {0: {"qlog.bz2": log_of(7)}}))
    report = collect(server, tmp_path)

    assert report.problem is None
    assert tree(tmp_path) == expected(route, "qlog") | expected(other, "qlog")
    assert is_kept_secret(server)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ({"kind": "qlog"}, ["qlog"]),
        ({"kind": "rlog"}, ["rlog"]),
        ({"kind": "both"}, ["qlog", "rlog"]),
        ({"kind": "both", "with_video": True}, ["qlog", "rlog", "qcamera"]),
    ],
)
def test_what_is_wanted_comes_and_nothing_else(server, route, tmp_path, wanted, names):
    report = collect(server, tmp_path, ROUTE, **wanted)

    assert report.is_good
    assert tree(tmp_path) == expected(route, *names)
    assert report.size_bytes == sum(map(len, expected(route, *names).values()))


def test_a_second_time_nothing_is_asked_for_but_the_list_of_routes(server, tmp_path):
    collect(server, tmp_path)
    before = len(server.requests)
    report = collect(server, tmp_path)

    assert report.is_good
    assert report.n_there == 3
    assert [one.path for one in server.requests[before:]] == [
        "/v1/me/devices/",
        f"/v1/devices/{DONGLE_ID}/routes",
    ]


def test_what_is_here_in_another_form_or_under_an_old_name_is_not_asked_for(
    server, route, tmp_path
):
    for number, name in enumerate((DONGLE_ID, DONGLE_ID[-8:], DONGLE_ID[:8])):
        file = tmp_path / name / f"{DRIVE}--{number}" / ("qlog", "qlog.zst", "qlog.bz2")[number]
        file.parent.mkdir(parents=True)
        file.write_bytes(b"here")
    before = tree(tmp_path)
    report = collect(server, tmp_path, kind="both")

    assert report.n_there == 3
    assert tree(tmp_path) == before | expected(route, "rlog")
    assert not server.asked("qlog", "blobs")


def test_a_public_route_needs_no_token(server, route, tmp_path):
    route.is_public = True
    report = collect(server, tmp_path, ROUTE, token=None)

    assert report.is_good
    assert tree(tmp_path) == expected(route, "qlog")
    assert not any("authorization" in one.headers for one in server.requests)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        (f"{ROUTE}/1", {1}),
        (f"{ROUTE}/0:2", {0, 1}),
        (f"{ROUTE}/-1", {2}),
        (f"{ROUTE}/1:", {1, 2}),
        (f"{ROUTE}/::2", {0, 2}),
        (f"https://connect.comma.ai/{DONGLE_ID}/{DRIVE}/60/170", {1, 2}),
    ],
)
def test_some_segments_of_a_route(server, tmp_path, text, numbers):
    report = collect(server, tmp_path, text)

    assert report.is_good
    assert {path.name for path in (tmp_path / DONGLE_ID).iterdir()} == {
        f"{DRIVE}--{number}" for number in numbers
    }


def test_routes_are_chosen_by_day_and_by_a_window_of_time(server, tmp_path):
    later = Route(
        DONGLE_ID, LATER, {0: {"qlog.bz2": log_of(9)}}, "2025-09-02T12:00:00", 1_756_814_400
    )
    server.add(later)
    collect(server, tmp_path / "days", drives={"since": date(2025, 8, 1)})
    start_ms = 1_756_814_400_000
    link = f"https://connect.comma.ai/{DONGLE_ID}/{start_ms - 1000}/{start_ms + 1000}"
    collect(server, tmp_path / "window", link)
    collect(server, tmp_path / "drive", drives={"drive": LATER})

    for name in ("days", "window", "drive"):
        assert tree(tmp_path / name) == expected(later, "qlog"), name


def test_many_routes_come_page_by_page_each_once(server, tmp_path, monkeypatch):
    monkeypatch.setattr("engagement.servers.routes._PAGE", 10)
    server.routes.clear()
    routes = [
        server.add(
            Route(
                DONGLE_ID,
                f"{number:08x}--0123456789",
                {0: {"qlog.bz2": log_of(number, 50)}},
                create_time=1_753_950_000 + number // 7,
            )
        )
        for number in range(43)
    ]
    report = collect(server, tmp_path, f"connect:{DONGLE_ID}")

    assert report.is_good
    assert len(report.collected) == len(routes)
    assert len(server.asked("/files")) == len(routes)


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

    assert report.problem == f"there is no '/v1/route/{DONGLE_ID}%7C2001-01-01--00-00-00/' (404)"


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


def test_a_redirect_within_the_server_is_followed(server, tmp_path):
    there = f"/v1/route/{ROUTE.replace('|', '%7C')}/files"
    server.faults = [Fault("/files", 1, status=307, headers={"Location": there})]

    assert collect(server, tmp_path, ROUTE).is_good


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


def test_a_dry_run_lists_what_would_come(server, route, tmp_path):
    report = collect(server, tmp_path, ROUTE, dry_run=True)

    names = [str(path.relative_to(tmp_path)) for path in report.to_collect]
    assert names == sorted(expected(route, "qlog"))
    assert not tree(tmp_path)
    assert not server.asked("", "blobs")


@pytest.mark.parametrize("is_online", [True, False])
def test_rlogs_that_the_server_lacks_are_asked_for(server, tmp_path, is_online):
    if is_online:
        server.online.add(DONGLE_ID)
    report = collect(server, tmp_path, ROUTE, kind="both", request_upload=True)

    assert report.is_good
    assert report.n_requested == 2
    assert [one["fn"] for one in server.queue] == [
        f"{DRIVE}--{number}/rlog.{suffix}" for number in (0, 2) for suffix in ("zst", "bz2")
    ]
    assert bool(report.notes) is not is_online
    changing = {one.path for one in server.requests if one.method != "GET"}
    assert changing == {f"/v1/{DONGLE_ID}/upload_urls/", f"/athena/{DONGLE_ID}"}


def test_nothing_is_asked_for_unless_it_is_wanted(server, tmp_path):
    collect(server, tmp_path, ROUTE, kind="both")
    collect(server, tmp_path, ROUTE, kind="qlog", request_upload=True)
    collect(server, tmp_path, ROUTE, kind="both", request_upload=True, dry_run=True)

    assert {one.method for one in server.requests} == {"GET"}


def test_calls_for_files_keep_to_the_pace(server, tmp_path, monkeypatch):
    monkeypatch.setattr("engagement.servers.calls._MINUTE_S", 0.5)
    server.routes.clear()
    for number in range(7):
        server.add(Route(DONGLE_ID, f"{number:08x}--0123456789", {0: {"qlog": b"raw"}}))
    report = collect(server, tmp_path, calls_a_minute=3)

    assert report.is_good
    assert report.duration_s >= 1.0
    assert len(report.collected) == 7


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


def test_two_runs_at_once_bring_each_file_once(server, route, tmp_path):
    reports: list[DeviceReport] = []
    threads = [
        threading.Thread(target=lambda: reports.append(collect(server, tmp_path, ROUTE)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert all(report.is_good for report in reports)
    assert tree(tmp_path) == expected(route, "qlog")
    assert sum(len(report.collected) for report in reports) == 3


def test_files_have_the_time_that_the_server_says(server, tmp_path):
    collect(server, tmp_path, ROUTE)

    assert {path.stat().st_mtime for path in tmp_path.rglob("qlog.bz2")} == {1_753_950_000}


@pytest.fixture(autouse=True)
def no_secret_leaves(server: StandIn) -> Iterator[None]:
    yield
    assert is_kept_secret(server)
