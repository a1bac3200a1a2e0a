"""What comes from a server, over real HTTP."""

from __future__ import annotations

import threading
from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.servers.collecting import (
    DONGLE_ID,
    DRIVE,
    LATER,
    ROUTE,
    collect,
    expected,
    is_kept_secret,
    log_of,
    tree,
)
from tests.servers.stand_in import Fault, Route

if TYPE_CHECKING:
    from engagement.collect.report import DeviceReport

pytestmark = pytest.mark.usefixtures("route", "no_secret_leaves")


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


def test_a_redirect_within_the_server_is_followed(server, tmp_path):
    there = f"/v1/route/{ROUTE.replace('|', '%7C')}/files"
    server.faults = [Fault("/files", 1, status=307, headers={"Location": there})]

    assert collect(server, tmp_path, ROUTE).is_good


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
