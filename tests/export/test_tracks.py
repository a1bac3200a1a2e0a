"""Tracks for other programs: read back, they are the fixes, modes and events of the database."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from datetime import datetime
from itertools import pairwise

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from engagement.cli import main
from engagement.cli.exit_codes import ExitCode
from engagement.export import tracks
from engagement.store.reader import Reader

_GPX = {"": "http://www.topografix.com/GPX/1/1"}
_FIXES = """
select
    fixes.latitude, fixes.longitude, (fixes.mono_ns - facts.first_mono_ns) / 1e9 as time_s,
    coalesce(states.mode, 'unknown') as mode
from staging.fixes
inner join result.drive_facts as facts using (drive_id)
left join state_intervals as states
    on fixes.drive_id = states.drive_id
    and fixes.mono_ns >= states.start_mono_ns and fixes.mono_ns < states.end_mono_ns
order by fixes.mono_ns
"""


def run(*words: object):
    return CliRunner().invoke(main, [str(word) for word in words])


@pytest.fixture(scope="module")
def known(simulated):
    """The drive's row, fixes and events that have a place."""
    with Reader(simulated.database) as reader:
        [drive] = reader.rows("select drive, started_at_utc from drives")
        events = reader.rows("from events where latitude is not null order by mono_ns, kind")
        return drive, reader.rows(_FIXES), events


def places(fixes):
    return {(round(fix["latitude"], 7), round(fix["longitude"], 7)) for fix in fixes}


def test_gpx_has_every_fix_in_its_mode_and_the_events(simulated, known, tmp_path):
    drive, fixes, events = known
    out = tmp_path / "drive.gpx"
    words = ("export", "gpx", drive["drive"], "--out", out, "--db", simulated.database)
    result = run(*words, "--json")

    assert result.exit_code == ExitCode.OK, result.output
    assert json.loads(result.stdout)["n_fixes"] == len(fixes) > 100
    root = ET.parse(out).getroot()  # noqa: S314 - our own
    points = root.findall(".//trkpt", _GPX)
    assert {(float(one.get("lat")), float(one.get("lon"))) for one in points} == places(fixes)
    modes = {one.text for one in root.findall("trk/type", _GPX)}
    assert {"engaged", "manual"} <= modes <= {fix["mode"] for fix in fixes}
    times = [datetime.fromisoformat(one.text) for one in root.findall(".//trkpt/time", _GPX)]
    assert len(times) == len(points)
    assert times == sorted(times)
    assert abs((times[0].replace(tzinfo=None) - drive["started_at_utc"]).total_seconds()) < 5
    said = [one.text for one in root.findall("wpt/desc", _GPX)]
    assert said == [event["event_id"] for event in events] != []
    order = [one.tag.rpartition("}")[2] for one in root]
    assert order == sorted(order, key=["metadata", "wpt", "trk"].index)


def test_geojson_goes_to_stdout_and_has_the_same(simulated, known):
    drive, fixes, events = known
    words = ("export", "geojson", drive["drive"], "--out", "-", "--db", simulated.database)
    document = json.loads(run(*words).stdout)

    lines = [one for one in document["features"] if one["geometry"]["type"] == "LineString"]
    points = [one for one in document["features"] if one["geometry"]["type"] == "Point"]
    found = {tuple(place) for line in lines for place in line["geometry"]["coordinates"]}
    assert found == {(fix["longitude"], fix["latitude"]) for fix in fixes}
    for before, after in pairwise(lines):
        assert before["properties"]["mode"] != after["properties"]["mode"]
        assert before["geometry"]["coordinates"][-1] == after["geometry"]["coordinates"][0]
    assert [one["properties"]["event_id"] for one in points] == [e["event_id"] for e in events]
    assert {one["properties"]["is_critical"] for one in points} <= {True, False, None}


@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["engaged", "manual"]), st.floats(0.1, 30)), max_size=30
    )
)
def test_lines_hold_all_neighbours_and_none_across_a_gap(steps):
    time_s, fixes = 0.0, []
    for mode, step_s in steps:
        time_s += step_s
        fixes.append({"time_s": time_s, "mode": mode})
    found = tracks.stretches(fixes)
    pairs = [
        (before["time_s"], after["time_s"])
        for one in found
        for before, after in pairwise(one.fixes)
    ]
    neighbours = [(a["time_s"], b["time_s"]) for a, b in pairwise(fixes)]
    assert pairs == [(a, b) for a, b in neighbours if b - a <= tracks.GAP_S]
    assert all(fix["mode"] == one.mode for one in found for fix in one.fixes[:-1])


def test_a_drive_without_positions_is_an_empty_file_and_a_note(hostile, tmp_path):
    with Reader(hostile.database) as reader:
        [drive] = reader.rows("select dongle_id || '|' || drive as name from drives")
        has_fixes = bool(reader.rows("from staging.fixes"))
    out = tmp_path / "drive.geojson"
    words = ("export", "geojson", drive["name"], "--out", out, "--db", hostile.database)
    result = run(*words)
    assert result.exit_code == ExitCode.OK, result.output
    assert ("has no position" in result.stderr) != has_fixes
    assert json.loads(out.read_text())["type"] == "FeatureCollection"
    unknown = run("export", "gpx", "nope", "--out", out, "--db", hostile.database)
    assert unknown.exit_code == ExitCode.FAILED
