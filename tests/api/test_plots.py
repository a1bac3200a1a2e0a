"""Samples, tracks, drives and events against what the tables and views say."""

from __future__ import annotations

import json
import math
from bisect import bisect_right
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.legacy.imports import import_files
from engagement.store.samples import SERIES, Series
from engagement.store.signals import all_series
from tests.api.test_rows import as_json

SOME = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


# Signals of tables, by their names in addresses, that no named series has.
SIGNALS = (
    "car_state.a_ego_mps2", "car_state.standstill", "lead.y_rel_m", "gps.altitude_m",
    "live_parameters.steer_ratio",
)  # fmt: skip
NAMES = (*sorted(SERIES), *SIGNALS)


@pytest.fixture(scope="module")
def known(reader) -> dict[str, Series]:
    return all_series(reader)


@pytest.fixture(scope="module")
def drives(reader) -> list[dict[str, Any]]:
    return reader.rows(
        "select drive_id, drives.route_name, metrics.first_mono_ns, metrics.duration_s "
        "from drives inner join result.drive_metrics as metrics using (drive_id) order by drive_id"
    )


@pytest.fixture(scope="module")
def samples_of(reader, known):
    """Every sample of a series, from its table: (seconds, value), a value that is none left out."""

    def samples_of(drive: dict[str, Any], name: str) -> list[tuple[int, float]]:
        series = known[name]
        rows = reader.rows(
            f"select mono_ns, {series.column}::double as value from log.{series.table} "
            f"where drive_id = $drive_id and {series.condition} order by mono_ns",
            {"drive_id": drive["drive_id"]},
        )
        return [
            (row["mono_ns"] - drive["first_mono_ns"], row["value"])
            for row in rows
            if row["value"] is not None and math.isfinite(row["value"])
        ]

    cache: dict[tuple[int, str], list[tuple[int, float]]] = {}

    def cached(drive: dict[str, Any], name: str) -> list[tuple[int, float]]:
        key = drive["drive_id"], name
        return cache.setdefault(key, samples_of(drive, name) if key not in cache else [])

    return cached


@given(
    number=st.integers(0, 2),
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
    buckets=st.integers(1, 700),
    start_s=st.none() | st.floats(0, 250),
    length_s=st.none() | st.floats(0.001, 300),
)
@SOME
def test_each_bucket_has_the_least_and_greatest_of_its_samples(
    client, drives, samples_of, *, number, names, buckets, start_s, length_s
):
    drive = drives[number]
    parameters = {"series": ",".join(names), "buckets": buckets}
    if start_s is not None:
        parameters["start_s"] = start_s
        if length_s is not None:
            parameters["end_s"] = start_s + length_s

    response = client.get(f"/api/v1/drives/{drive['drive_id']}/samples", params=parameters)

    plot = response.json()
    assert response.status_code == 200, plot
    width_ns = round(plot["bucket_s"] * 1e9)
    start_ns = math.floor(plot["start_s"] * 1e9)
    end_ns = math.ceil(plot["end_s"] * 1e9)
    assert 1 <= len(plot["time_s"]) <= buckets
    for name in names:
        wanted: dict[int, list[float]] = {}
        for time_ns, value in samples_of(drive, name):
            if start_ns <= time_ns < end_ns:
                wanted.setdefault((time_ns - start_ns) // width_ns, []).append(float(value))
        found = plot["series"][name]
        assert len(found["min"]) == len(found["max"]) == len(plot["time_s"])
        for bucket, (least, greatest) in enumerate(zip(found["min"], found["max"], strict=True)):
            values = wanted.get(bucket)
            if values is None:
                assert least is greatest is None
            else:
                assert least == pytest.approx(min(values), rel=1e-6, abs=1e-12)
                assert greatest == pytest.approx(max(values), rel=1e-6, abs=1e-12)


def test_without_a_window_the_plot_has_every_peak_of_the_drive(client, drives, samples_of):
    for drive in drives:
        plot = client.get(f"/api/v1/drives/{drive['drive_id']}/samples", params={"buckets": 7})
        for name, series in plot.json()["series"].items():
            values = [value for _, value in samples_of(drive, name)]
            assert max(filter(None, series["max"])) == pytest.approx(max(values))
            assert min(v for v in series["min"] if v is not None) == pytest.approx(min(values))
            assert series["unit"] == SERIES[name].unit


@given(
    number=st.integers(0, 2),
    name=st.sampled_from(NAMES),
    start_s=st.floats(0, 250),
    length_s=st.floats(0.01, 40),
)
@SOME
def test_raw_samples_are_the_tables_own(
    client, drives, samples_of, *, number, name, start_s, length_s
):
    drive = drives[number]
    response = client.get(
        f"/api/v1/drives/{drive['drive_id']}/samples",
        params={"series": name, "raw": "true", "start_s": start_s, "end_s": start_s + length_s},
    )

    plot = response.json()
    assert plot["bucket_s"] is None
    series = plot["series"][name]
    start_ns, end_ns = math.floor(start_s * 1e9), math.ceil((start_s + length_s) * 1e9)
    wanted = [(t, v) for t, v in samples_of(drive, name) if start_ns <= t < end_ns]
    found = [
        (time_s, value)
        for time_s, value in zip(series["time_s"], series["value"], strict=True)
        if value is not None
    ]
    assert [round(time_s * 1e9) for time_s, _ in found] == pytest.approx([t for t, _ in wanted])
    assert [value for _, value in found] == pytest.approx([float(v) for _, v in wanted], rel=1e-6)


def test_signals_are_the_numbers_of_tables_of_messages(known, reader, client):
    kinds = {
        (row["table_name"], row["column_name"]): row["data_type"]
        for row in reader.rows("from duckdb_columns() where schema_name = 'log'")
    }
    signals = {name.partition(".")[0::2] for name in known.keys() - SERIES.keys()}

    columns = {place: kinds[place] for place in signals if place[0] != "can_signal"}
    assert set(columns.values()) <= {"FLOAT", "DOUBLE", "INTEGER", "BIGINT", "UTINYINT", "BOOLEAN"}
    assert {("car_state", "v_cruise_kph"), ("car_event", "warning")} <= columns.keys()
    assert not {"drive", "segment", "init_data", "param"} & {table for table, _ in columns}
    assert not {"drive_id", "mono_ns", "message_num"} & {column for _, column in columns}
    wrong = client.get("/api/v1/drives/1/samples", params={"series": 'car_state."gear"'})
    assert wrong.status_code == 400
    assert wrong.json()["detail"].startswith("series: no series")


def test_singles_are_written_as_short_as_they_are_exact(client):
    plot = client.get(
        "/api/v1/drives/1/samples", params={"series": "speed_mps", "raw": "1", "end_s": 20}
    ).json()

    values = [value for value in plot["series"]["speed_mps"]["value"] if value]
    assert values
    assert all(len(repr(value)) <= 13 for value in values)


def test_more_raw_samples_than_allowed_are_refused(client, monkeypatch):
    monkeypatch.setattr("engagement.api.plots._MAX_SAMPLES", 100)
    url = "/api/v1/drives/1/samples"

    long = client.get(url, params={"raw": "true"})
    short = client.get(url, params={"raw": "true", "start_s": 1, "end_s": 2})

    assert long.status_code == 413
    assert "100 samples" in long.json()["detail"]
    assert short.status_code == 200


def test_a_track_has_the_drives_places_in_order_with_their_modes(client, reader, drives):
    for drive in drives:
        points = client.get(f"/api/v1/drives/{drive['drive_id']}/track?points=20000").json()[
            "points"
        ]
        times_s = [point["time_s"] for point in points]
        intervals = reader.rows(
            "from state_intervals where drive_id = ? order by start_mono_ns", [drive["drive_id"]]
        )
        starts = [row["start_mono_ns"] for row in intervals]
        assert len(points) > 50
        assert times_s == sorted(set(times_s))
        for point in points:
            mono_ns = round(point["time_s"] * 1e9) + drive["first_mono_ns"]
            number = bisect_right(starts, mono_ns) - 1
            is_within = number >= 0 and mono_ns < intervals[number]["end_mono_ns"]
            assert point["mode"] == (intervals[number]["mode"] if is_within else "unknown")
            assert 40 < point["latitude"] < 60


def test_a_thinned_track_keeps_its_ends_and_every_change_of_mode(client):
    whole = client.get("/api/v1/drives/1/track?points=20000").json()["points"]
    thin = client.get("/api/v1/drives/1/track?points=10").json()["points"]

    changes = [point for before, point in pairwise(whole) if before["mode"] != point["mode"]]
    assert thin[0] == whole[0]
    assert thin[-1] == whole[-1]
    assert all(change in thin for change in changes)
    assert all(point in whole for point in thin)
    assert len(thin) <= 10 + 2 + len(changes) < len(whole)


def test_a_drives_document_is_the_views_rows(client, reader, drives):
    of_views = {
        "speed_bands": "speed_bands", "segments": "segments", "timeline": "state_intervals",
        "engagements": "engagements", "events": "events", "interventions": "interventions",
        "alerts": "alerts", "bookmarks": "bookmarks",
    }  # fmt: skip
    for drive in drives:
        document = client.get(f"/api/v1/drives/{drive['route_name']}").json()
        [row] = as_json(reader.rows("from drives where drive_id = ?", [drive["drive_id"]]))
        assert document["drive"] == row
        for name, view in of_views.items():
            wanted = as_json(reader.rows(f"from {view} where drive_id = ?", [drive["drive_id"]]))
            assert len(document[name]) == len(wanted), name
            for part in document[name]:
                assert any(part.items() <= one.items() for one in as_known(part, wanted)), name
        assert document["track"]
        for before, after in pairwise(document["timeline"]):
            assert before["end_s"] <= after["start_s"]
        assert document["timeline"][0]["start_s"] == 0


def as_known(part: dict[str, Any], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The view's rows, with what the document adds to them."""
    added = {name: part[name] for name in ("start_s", "end_s") if name in part}
    return [row | added for row in wanted]


def test_an_events_document_has_the_ten_seconds_around_it(client, reader):
    events = reader.rows("from events order by event_id")
    assert events
    for event in events:
        document = client.get(f"/api/v1/events/{event['event_id']}").json()
        plot = document["plot"]
        assert document["event"] == as_json([event])[0]
        assert plot["start_s"] == max(event["time_s"] - 10, 0)
        assert plot["end_s"] == event["time_s"] + 10
        for row in (*document["flags"], *document["buttons"]):
            assert plot["start_s"] <= row["time_s"] < plot["end_s"]
        states = document["states"]
        assert states[0]["start_s"] <= plot["start_s"] or states[0]["start_s"] == 0
        if event["cause_event"]:
            assert event["cause_event"] in {flag["name"] for flag in document["flags"]}


def test_a_device_has_its_totals_and_speed_bands(client, reader):
    for device in as_json(reader.rows("from devices")):
        document = client.get(f"/api/v1/devices/{device['dongle_id']}").json()
        assert document["device"] == device
        rows = reader.rows("from speed_bands where dongle_id = ?", [device["dongle_id"]])
        for band in document["speed_bands"]:
            mine = [row for row in rows if row["speed_band"] == band["speed_band"]]
            for name in ("known_s", "engaged_s", "distance_km", "engaged_km"):
                assert band[name] == pytest.approx(sum(row[name] for row in mine))
        assert len(document["speed_bands"]) == len({row["speed_band"] for row in rows})


def test_an_imported_drive_has_its_metrics_and_no_samples(serve, tmp_path):
    old = {"device_id": "0123abcd", "drive": "2025-07-30--08-00-00", "total_time": 5 * 10**9}
    (tmp_path / "old.json").write_text(json.dumps([old]))
    import_files(tmp_path / "old.duckdb", [tmp_path / "old.json"])
    client = serve(tmp_path / "old.duckdb")

    document = client.get("/api/v1/drives/0123abcd|2025-07-30--08-00-00").json()
    plot = client.get("/api/v1/drives/1/samples")
    track = client.get("/api/v1/drives/1/track")

    assert document["drive"]["known_s"] == 5.0
    assert document["timeline"] == document["events"] == document["track"] == []
    assert plot.status_code == track.status_code == 404


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        ({"series": "nope"}, "series"), ({"series": ""}, "series"),
        ({"series": "v_ego_mps"}, "series"), ({"series": "speed_mps,"}, "series"),
        ({"buckets": 0}, "buckets"), ({"buckets": 5001}, "buckets"), ({"start_s": -1}, "start_s"),
        ({"start_s": "nan"}, "start_s"), ({"end_s": "inf"}, "end_s"),
        ({"start_s": 5, "end_s": 5}, "end_s"), ({"raw": "maybe"}, "raw"),
        ({"start_s": 1e300}, "start_s"), ({"bucket": 5}, "bucket"),
    ],
)  # fmt: skip
def test_a_bad_window_is_a_400_that_names_it(client, parameters, name):
    response = client.get("/api/v1/drives/1/samples", params=parameters)

    assert response.status_code == 400, response.text
    assert name in [fault["parameter"] for fault in response.json()["errors"]]


@pytest.mark.parametrize("part", ["", "/samples", "/track"])
@pytest.mark.parametrize(
    "drive",
    ["0", "99", "-1", "1e3", "9999999999999999999", "nope", "' or 1=1 --", "%00", "٣", "1%2F1"],
)
def test_a_drive_that_there_is_not_is_a_404(client, part, drive):
    response = client.get(f"/api/v1/drives/{drive}{part}")

    assert response.status_code == 404
    assert response.json()["type"] == "urn:engagement:not-found"
