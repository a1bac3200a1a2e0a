"""Rows of views: what the server lists is what the view holds."""

from __future__ import annotations

import csv
import io
import json
import shutil
from datetime import date, datetime
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.api import downloads
from engagement.export.view_files import write_csv
from engagement.groupings import parse_crossing
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.reader import Reader

LISTED = [
    "alerts", "devices", "disengagements", "drives", "events", "groups", "interventions", "mtbf",
    "overrides", "places", "rates",
]  # fmt: skip

ANY_ORDER = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def as_json(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as they come out of JSON; times are UTC."""

    def plain(value: Any) -> Any:
        return f"{value.isoformat()}Z" if isinstance(value, datetime) else value

    return json.loads(json.dumps([{k: plain(v) for k, v in row.items()} for row in rows]))


def sorted_rows(rows: list[dict[str, Any]]) -> list[str]:
    """Rows to compare: a sum of floats may differ in its last digits each time it is computed."""

    def rounded(value: Any) -> Any:
        return f"{value:.12g}" if isinstance(value, float) else value

    return sorted(
        json.dumps({k: rounded(v) for k, v in row.items()}, sort_keys=True) for row in rows
    )


def all_pages(client: Any, url: str, **parameters: Any) -> list[dict[str, Any]]:
    rows, cursor = [], {}
    while True:
        response = client.get(url, params=parameters | cursor)
        assert response.status_code == 200, response.text
        page = response.json()
        assert len(page["rows"]) <= int(parameters.get("limit", 100))
        rows += page["rows"]
        if page["next_cursor"] is None:
            return rows
        assert page["rows"]
        cursor = {"cursor": page["next_cursor"]}


def test_every_public_view_is_listed_with_its_comments(client, reader):
    views = client.get("/api/v1/views").json()["views"]

    assert {view["name"]: view["comment"] for view in views} == reader.views()
    for view in views:
        comments = {column["name"]: column["comment"] for column in view["columns"]}
        assert comments == reader.comments(view["name"])
        assert all(column["type"] for column in view["columns"])


def test_every_view_has_its_rows_page_by_page(client, reader):
    for view in reader.views():
        wanted = as_json(reader.rows(f"from {view}"))
        rows = all_pages(client, f"/api/v1/views/{view}", limit=min(max(7, len(wanted) // 5), 1000))
        assert sorted_rows(rows) == sorted_rows(wanted), view


@pytest.mark.parametrize("view", LISTED)
def test_the_views_with_paths_of_their_own_are_the_same(client, view):
    assert (
        client.get(f"/api/v1/{view}").json()["rows"]
        == client.get(f"/api/v1/views/{view}").json()["rows"]
    )


@given(
    view=st.sampled_from(["drives", "events", "segments", "rates", "interventions"]),
    limit=st.integers(1, 9),
    choice=st.randoms(use_true_random=False),
)
@ANY_ORDER
def test_any_order_has_each_row_once_with_nulls_last(client, reader, view, limit, choice):
    columns = list(reader.comments(view))
    sort = [
        choice.choice(["", "-"]) + name for name in choice.sample(columns, choice.randint(1, 3))
    ]

    rows = all_pages(client, f"/api/v1/views/{view}", limit=limit, sort=",".join(sort))

    assert sorted_rows(rows) == sorted_rows(as_json(reader.rows(f"from {view}")))
    for before, after in pairwise(rows):
        assert follows(before, after, sort)


def follows(before: dict[str, Any], after: dict[str, Any], sort: list[str]) -> bool:
    """Whether a row may come after another."""
    for key in sort:
        mine, theirs = before[key.removeprefix("-")], after[key.removeprefix("-")]
        if mine == theirs:
            continue
        if mine is None or theirs is None:
            return theirs is None
        return (mine > theirs) == key.startswith("-")
    return True


def test_drives_come_newest_first(client):
    starts = [row["started_at_utc"] for row in client.get("/api/v1/drives").json()["rows"]]

    assert len(starts) == 3
    assert starts == sorted(starts, reverse=True)


@given(names=st.lists(st.sampled_from(["drive", "engaged_s", "version", "n_segments"]), min_size=1))
@ANY_ORDER
def test_fields_are_those_asked_for_in_that_order(client, names):
    rows = client.get("/api/v1/drives", params={"fields": ",".join(names), "limit": 2}).json()

    assert [list(row) for row in rows["rows"]] == [list(dict.fromkeys(names))] * 2
    assert rows["next_cursor"]


def test_a_page_goes_on_where_the_one_before_ended_though_drives_were_added(
    serve, database, tmp_path
):
    path = tmp_path / "growing.duckdb"
    shutil.copyfile(database, path)
    client = serve(path)
    first = client.get("/api/v1/drives", params={"limit": 2, "sort": "drive"}).json()

    with writer_lock(path), Writer(path) as writer:
        writer.connection.execute(
            "insert into log.drive values (90, 'ffff', '0', 'h'), (91, 'ffff', 'zz', 'h')"
        )
        for drive_id in (90, 91):
            writer.connection.execute(
                "insert into log.segment select * replace (? as drive_id) from log.segment limit 1",
                [drive_id],
            )
        writer.publish()
    second = client.get(
        "/api/v1/drives", params={"limit": 9, "sort": "drive", "cursor": first["next_cursor"]}
    ).json()

    assert second["generation"] == first["generation"] + 1
    names = [row["drive"] for row in first["rows"] + second["rows"]]
    assert names == sorted(names)
    assert len(names) == 4  # the one that sorts before the first page is not seen
    assert names[-1] == "zz"


def test_filters_by_drive_narrow_every_view_that_has_drives(client, reader):
    of_drives = {
        "device": "dongle_id", "car": "car_fingerprint", "branch": "git_branch",
        "commit": "git_commit", "version": "version", "fork": "fork",
    }  # fmt: skip
    drives = reader.rows("from drives")
    views = [view for view in reader.views() if "drive_id" in reader.comments(view)]
    n_narrowed = 0

    for name, column in of_drives.items():
        for value in {drive[column] for drive in drives} - {None}:
            wanted = {drive["drive_id"] for drive in drives if drive[column] == value}
            for view in views:
                if "samples" in view and name != "device":  # many rows, narrowed by the same rule
                    continue
                found = all_pages(
                    client, f"/api/v1/views/{view}", limit=1000, fields="drive_id", **{name: value}
                )
                everything = reader.rows(f"select drive_id from {view}")
                kept = [row for row in everything if row["drive_id"] in wanted]
                assert sorted_rows(found) == sorted_rows(kept), (view, name, value)
                n_narrowed += len(kept) < len(everything)
    assert n_narrowed > 20


@pytest.mark.parametrize("view", ["rates", "groups", "mtbf", "devices", "places"])
def test_what_sums_up_drives_is_computed_over_those_that_are_wanted(client, database, view):
    with Reader(database) as narrowed:
        drives = narrowed.rows("from drives")
        for drive in drives:
            narrowed.narrow("drive_id = $drive_id", {"drive_id": drive["drive_id"]})
            day = drive["started_at_utc"].date()
            for filters in ({"drive": drive["route_name"]}, {"since": day, "until": day}):
                found = all_pages(client, f"/api/v1/{view}", limit=1000, **filters)
                assert sorted_rows(found) == sorted_rows(as_json(narrowed.rows(f"from {view}")))
                assert found
        text = client.get(f"/api/v1/views/{view}/csv", params={"drive": drives[0]["drive"]}).text
        narrowed.narrow("drive_id = $drive_id", {"drive_id": drives[0]["drive_id"]})
        assert len(text.splitlines()) == 1 + len(narrowed.rows(f"from {view}"))


def test_since_and_until_are_days_and_both_count(client, reader):
    for drive in reader.rows("from drives"):
        day = drive["started_at_utc"].date()
        found = client.get("/api/v1/drives", params={"since": day, "until": day}).json()["rows"]
        wanted = [
            row["drive_id"]
            for row in reader.rows("from drives")
            if row["started_at_utc"].date() == day
        ]
        assert sorted(row["drive_id"] for row in found) == sorted(wanted)
    early = client.get("/api/v1/events", params={"until": date(2000, 1, 1)})
    assert early.json()["rows"] == []
    assert client.get("/api/v1/drives", params={"until": date.max}).json()["rows"]


@pytest.mark.parametrize(
    ("parameters", "condition"),
    [
        ({"kind": "lateral_override"}, "kind = 'lateral_override'"),
        ({"cause": "driver_brake"}, "cause = 'driver_brake'"),
        ({"min_severity": 0.5}, "severity >= 0.5"),
        ({"is_critical": "true"}, "is_critical"),
        ({"is_critical": "false", "kind": "disengagement"}, "not is_critical and kind[1] = 'd'"),
        ({"cause": "x' or 1=1 --"}, "false"),
    ],
)
def test_filters_of_events(client, reader, parameters, condition):
    found = client.get("/api/v1/events", params=parameters | {"fields": "event_id"}).json()["rows"]

    wanted = reader.rows(f"select event_id from events where {condition}")
    assert sorted_rows(found) == sorted_rows(wanted)


@pytest.mark.parametrize(
    ("view", "parameters", "nearest"),
    [
        ("events", {"kind": "disengagment"}, "did you mean 'disengagement'"),
        ("events", {"kind": "moment:typo"}, "there is disengagement"),
        ("rates", {"event": "moment:typo"}, "there is disengagement"),
    ],
)
def test_a_kind_of_event_that_there_is_not_is_answered_with_the_nearest(
    client, view, parameters, nearest
):
    answer = client.get(f"/api/v1/{view}", params=parameters)
    assert answer.status_code == 404
    assert nearest in answer.json()["detail"]


def test_a_drive_is_found_by_number_by_name_and_by_route(client, reader):
    for drive in reader.rows("from drives"):
        for name in (
            drive["drive_id"],
            drive["drive"],
            drive["route_name"],
            drive["route_name"].replace("|", "/"),
        ):
            found = client.get("/api/v1/drives", params={"drive": name}).json()["rows"]
            assert [row["drive_id"] for row in found] == [drive["drive_id"]]
    assert client.get("/api/v1/drives", params={"drive": "|"}).status_code == 404


@pytest.mark.parametrize("view", ["drives", "events", "state_intervals", "legacy_engagement_db"])
def test_files_hold_the_whole_view(client, reader, tmp_path, view):
    wanted = reader.table(f"from {view}")
    url = f"/api/v1/views/{view}"
    order = [
        name for name in ("drive_id", "start_mono_ns", "mono_ns") if name in wanted.column_names
    ]

    arrow = client.get(f"{url}/arrow")
    parquet = client.get(f"{url}/parquet")
    text = client.get(f"{url}/csv")

    assert arrow.headers["content-type"] == "application/vnd.apache.arrow.stream"
    by = [(name, "ascending") for name in order]
    streamed = pa.ipc.open_stream(arrow.content).read_all()
    assert streamed.sort_by(by).equals(wanted.sort_by(by))
    assert pq.read_table(io.BytesIO(parquet.content)).sort_by(by).equals(wanted.sort_by(by))
    assert streamed.schema.field("drive_id").metadata[b"comment"].startswith(b"number of the drive")
    assert text.headers["content-disposition"] == f'attachment; filename="{view}.csv"'
    with (tmp_path / "view.csv").open("wb") as file:
        write_csv(reader, view, file)
    lines = list(csv.reader(io.StringIO(text.text)))
    expected = list(csv.reader((tmp_path / "view.csv").read_text().splitlines(keepends=True)))
    assert lines[0] == expected[0]
    assert sorted(lines) == sorted(expected)


def test_files_take_filters_orders_and_fields(client, reader):
    parameters = {"cause": "driver_brake", "sort": "-time_s", "fields": "time_s,cause"}
    response = client.get("/api/v1/views/events/csv", params=parameters)

    wanted = reader.rows(
        "select time_s, cause from events where cause = 'driver_brake' order by time_s desc"
    )
    lines = list(csv.DictReader(io.StringIO(response.text)))
    assert [float(line["time_s"]) for line in lines] == [row["time_s"] for row in wanted]
    assert {line["cause"] for line in lines} == {"driver_brake"}
    assert len(lines) == len(wanted) > 0


def test_a_file_larger_than_allowed_is_refused_and_gives_back_its_slot(serve):
    client = serve(download_bytes=1000, max_downloads=1)

    for _ in range(3):
        response = client.get("/api/v1/views/drives/parquet")
        assert response.status_code == 413
        assert response.headers["content-type"] == "application/problem+json"
    small = client.get("/api/v1/views/drives/csv", params={"fields": "drive_id"})
    assert small.status_code == 200


def test_more_files_at_once_than_allowed_are_refused_with_a_time_to_wait(serve, monkeypatch):
    monkeypatch.setattr(downloads, "_WAIT_S", 0.1)
    client = serve(max_downloads=1)
    url = "/api/v1/views/drives/csv"

    with client.app.state.downloads.slots.slot("another"):
        refused = client.get(url)

    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert client.get(url).status_code == 200
    assert client.get(url).status_code == 200


@pytest.mark.parametrize("suffix", ["csv", "parquet", "arrow"])
def test_a_file_that_the_client_has_is_not_made_again(client, suffix):
    url = f"/api/v1/views/drives/{suffix}"
    etag = client.get(url).headers["etag"]

    again = client.get(url, headers={"if-none-match": etag})

    assert (again.status_code, again.content) == (304, b"")
    assert client.head(url).content == b""


BAD = [
    ({"sort": "nope"}, "sort"),
    ({"sort": "drive;drop table drive"}, "sort"),
    ({"sort": 'drive" desc, "x'}, "sort"),
    ({"sort": "--drive"}, "sort"),
    ({"sort": "drive,drive,drive,drive,drive"}, "sort"),
    ({"sort": ","}, "sort"),
    ({"sort": ""}, "sort"),
    ({"fields": "*"}, "fields"),
    ({"fields": "drive,"}, "fields"),
    ({"fields": "(select 1)"}, "fields"),
    ({"fields": ""}, "fields"),
    ({"limit": 0}, "limit"),
    ({"limit": -1}, "limit"),
    ({"limit": 10**30}, "limit"),
    ({"limit": "1; select 1"}, "limit"),
    ({"limit": 1001}, "limit"),
    ({"cursor": ""}, "cursor"),
    ({"cursor": "AAAA"}, "cursor"),
    ({"cursor": "é"}, "cursor"),
    ({"cursor": "a" * 3999}, "cursor"),
    ({"cursor": "a" * 4001}, "cursor"),
    ({"since": "yesterday"}, "since"),
    ({"since": "2025-13-01"}, "since"),
    ({"until": "null"}, "until"),
    ({"since": "2025-02-02", "until": "2025-02-01"}, "until"),
    ({"cause": "x"}, "cause"),
    ({"device": "x" * 201}, "device"),
    ({"devise": "x"}, "devise"),
    ({"device": ["a", "b"]}, "device"),
    ({"min_severity": 1}, "min_severity"),
]


@pytest.mark.parametrize(("parameters", "name"), BAD)
@pytest.mark.parametrize("url", ["/api/v1/drives", "/api/v1/views/drives"])
def test_a_bad_parameter_is_a_400_that_names_it(client, url, parameters, name):
    response = client.get(url, params=parameters)

    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == 400
    assert name in [fault["parameter"] for fault in problem["errors"]]
    assert name in problem["detail"]


def test_a_cursor_of_another_view_or_order_is_refused(client):
    cursor = client.get("/api/v1/drives", params={"limit": 1}).json()["next_cursor"]

    for url, sort in (("events", {}), ("drives", {"sort": "drive"}), ("segments", {})):
        response = client.get(f"/api/v1/{'views/' * (url == 'segments')}{url}",
                              params={"cursor": cursor, **sort})  # fmt: skip
        assert response.status_code == 400, url
        assert response.json()["errors"][0]["parameter"] == "cursor"


@given(
    position=st.integers(0, 200),
    byte=st.integers(0, 255),
)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_cursor_that_was_tampered_with_is_a_page_or_a_400(client, position, byte):
    cursor = client.get(
        "/api/v1/drives", params={"limit": 1, "sort": "-engaged_s,version,started_at_utc"}
    ).json()["next_cursor"]
    place = position % len(cursor)
    changed = cursor[:place] + chr(byte) + cursor[place + 1 :]

    response = client.get(
        "/api/v1/drives", params={"cursor": changed, "sort": "-engaged_s,version,started_at_utc"}
    )

    assert response.status_code in (200, 400), response.text


@pytest.mark.parametrize(
    "view",
    [
        "nope", "drive", "store.state", "log.drive", "result.events", "main.drives", "drives;drop",
        "%27",
        "drives%20d", "..%2Fdrives", "DRIVES", "information_schema.tables", "%00", "🚗",
    ],
)  # fmt: skip
def test_what_is_no_public_view_is_a_404(client, view):
    for suffix in ("", "/csv", "/parquet", "/arrow"):
        response = client.get(f"/api/v1/views/{view}{suffix}")
        assert response.status_code == 404, response.text
        assert response.headers["content-type"] == "application/problem+json"


def test_groups_are_by_what_was_asked_for(client, database):
    with Reader(database) as reader:
        reader.group_by(parse_crossing("night,speed-band"))
        wanted = reader.rows("from rates where event = 'intervention' order by all")
    params = {"group_by": "night,speed-band", "event": "intervention", "limit": 1000}
    found = client.get("/api/v1/rates", params=params).json()["rows"]
    assert len(found) == len(wanted) > 3
    assert {(row["group_name"], row["mode"], row["n_events"]) for row in found} == {
        (row["group_name"], row["mode"], row["n_events"]) for row in wanted
    }


@pytest.mark.parametrize("text", ["colour", "model,model", "car,fork,month", ""])
def test_groups_by_nothing_known_are_refused(client, text):
    answer = client.get("/api/v1/groups", params={"group_by": text})
    assert answer.status_code == 400
