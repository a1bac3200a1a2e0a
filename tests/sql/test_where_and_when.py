"""What drives, events, alerts and bookmarks say of where and when, against samples and parts."""

from __future__ import annotations

import math
import shutil
from bisect import bisect_right
from collections import defaultdict

import duckdb
import pytest

from engagement.store.reader import Reader

MAX_AGE_NS = 2 * 10**9
RADIUS_M = 300.0


@pytest.fixture(scope="module")
def named(database, tmp_path_factory):
    """The simulated drives, the ends of the first one with names, one of which reaches both."""
    path = tmp_path_factory.mktemp("where") / "engagement.duckdb"
    shutil.copyfile(database, path)
    with duckdb.connect(str(path)) as connection:
        ends = connection.execute(
            "select start_latitude, start_longitude, end_latitude, end_longitude from drives "
            "where start_latitude is not null order by drive_id limit 1"
        ).fetchone()
        for name, latitude, longitude, radius_m in (
            ("home", *ends[:2], RADIUS_M), ("work", *ends[2:], RADIUS_M),
            ("beside", ends[0] + 0.001, ends[1], RADIUS_M),
        ):  # fmt: skip
            connection.execute(
                "insert into store.place_name (latitude, longitude, radius_m, name, named_at_utc) "
                "values (?, ?, ?, ?, timestamp '2026-01-01')",
                [latitude, longitude, radius_m, name],
            )
    with Reader(path) as reader:
        yield reader


@pytest.fixture(scope="module")
def fixes(named):
    found = defaultdict(list)
    for row in named.rows("from gps_samples order by drive_id, mono_ns"):
        found[row["drive_id"]].append((row["mono_ns"], row["latitude"], row["longitude"]))
    assert found
    return found


def called(named, latitude, longitude):
    """The nearest name that reaches a place, on a flat ground."""
    reached = []
    for place in named.rows("from store.place_name"):
        north = latitude - place["latitude"]
        east = (longitude - place["longitude"]) * math.cos(math.radians(latitude))
        away_m = 6_371_000 * math.radians(math.hypot(north, east))
        if away_m <= place["radius_m"]:
            reached.append((away_m, place["name"]))
    return min(reached)[1] if reached else None


def test_drives_begin_and_end_at_their_first_and_last_fix(named, fixes):
    names = set()
    for row in named.rows("from drives where not is_imported"):
        of_drive = fixes.get(row["drive_id"])
        first, last = (of_drive[0], of_drive[-1]) if of_drive else ((None,) * 3,) * 2
        assert (row["start_latitude"], row["start_longitude"]) == first[1:]
        assert (row["end_latitude"], row["end_longitude"]) == last[1:]
        if of_drive:
            assert row["start_place_name"] == called(named, *first[1:])
            assert row["end_place_name"] == called(named, *last[1:])
            names |= {row["start_place_name"], row["end_place_name"]}
    assert {"home", "work"} <= names


def test_the_share_at_night_is_that_of_the_parts(named):
    query = """
    select drive_id, sum(known_s) filter (where night = 'night') as night_s,
        sum(known_s) filter (where night <> 'unknown') as told_s
    from drive_parts group by drive_id
    """
    parts = {row["drive_id"]: row for row in named.rows(query)}
    shares = set()
    for row in named.rows("from drives where not is_imported"):
        part = parts[row["drive_id"]]
        if not part["told_s"]:
            assert row["night_fraction"] is None
            continue
        share = (part["night_s"] or 0) / part["told_s"]
        assert row["night_fraction"] == pytest.approx(share, abs=1e-6)
        shares.add(share)
    assert shares


@pytest.mark.parametrize(
    ("view", "time"),
    [("events", "mono_ns"), ("alerts", "start_mono_ns"), ("bookmarks", "mono_ns")],
)
def test_a_place_is_the_last_fix_that_is_no_older_than_it_may_be(named, fixes, view, time):
    n_placed = 0
    for row in named.rows(f"from {view}"):
        of_drive = fixes.get(row["drive_id"], [])
        place = bisect_right([fix[0] for fix in of_drive], row[time]) - 1
        recent = place >= 0 and row[time] - of_drive[place][0] <= MAX_AGE_NS
        wanted = of_drive[place][1:] if recent else (None, None)
        assert (row["latitude"], row["longitude"]) == wanted
        if recent and "place_name" in row:
            assert row["place_name"] == called(named, *wanted)
        n_placed += recent
    assert n_placed


def test_an_event_has_the_model_that_drove_until_then(named):
    spans = defaultdict(list)
    for row in named.rows("from result.part_spans order by drive_id, start_mono_ns"):
        spans[row["drive_id"]].append(row)
    events = named.rows("from events")
    for row in events:
        before = [one for one in spans[row["drive_id"]] if one["start_mono_ns"] < row["mono_ns"]]
        model = before[-1]["model"] if before else "unknown"
        assert row["model"] == (None if model == "unknown" else model)
    assert any(row["model"] for row in events)


def test_the_first_sample_is_what_times_count_from(named):
    starts = {row["drive_id"]: row["start_mono_ns"] for row in named.rows("from drives")}
    for view in ("events", "bookmarks"):
        for row in named.rows(f"from {view}"):
            since_s = (row["mono_ns"] - starts[row["drive_id"]]) / 1e9
            assert row["time_s"] == pytest.approx(since_s)
