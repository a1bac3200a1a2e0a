from __future__ import annotations

import json
import math
from collections import Counter
from pathlib import Path
from random import Random

import capnp
import pytest
from hypothesis import given, settings

from tests.oracles import legacy, legacy_drives, legacy_logs
from tests.oracles.legacy_messages import Controls, Drive

DATA = Path(__file__).parent / "data" / "legacy"
SCHEMA = Path(__file__).parents[1] / "schemas" / "log.capnp"
RAW_FIELDS = {"distance_km_raw", "engaged_distance_km_raw"}


@pytest.fixture(scope="module")
def example_drives() -> list[Drive]:
    event_type = capnp.load(str(SCHEMA)).Event
    return legacy_logs.read_drives(DATA, event_type, DATA / "config" / "vehicle_profiles.json")


def test_oracle_gives_the_example_database_to_the_last_digit(example_drives):
    expected = json.loads((DATA / "engagement_db.json").read_text())

    entries = [legacy.compute(drive)[0] for drive in example_drives]

    by_name = {(entry["device_id"], entry["drive"]): entry for entry in entries}
    assert len(entries) == len(expected) == 4
    for wanted in expected:
        entry = by_name[wanted["device_id"], wanted["drive"]]
        assert list(entry) == list(wanted)
        assert _without_raw(entry) == _without_raw(wanted)
        for key, bucket in wanted["speed_buckets"].items():
            for name in RAW_FIELDS:
                assert math.isclose(entry["speed_buckets"][key][name], bucket[name], rel_tol=1e-9)


def test_oracle_gives_the_example_debug_events(example_drives):
    expected = json.loads((DATA / "debug_events.json").read_text())

    events = [event for drive in example_drives for event in legacy.compute(drive)[1]]

    assert events == expected


def test_a_list_of_signals_is_a_mask_of_the_entries_that_are_not_zero():
    assert legacy_logs._combined([0.0, None, 3.0]) == 4.0
    assert legacy_logs._combined([2.5]) == 2.5


def test_random_drives_reach_every_quirk():
    seen: Counter[str] = Counter()
    for seed in range(120):
        drive = legacy_drives.random_drive(Random(seed))
        entry, events = legacy.compute(drive)
        paths = Counter(event["rlog_path"] for event in events)
        firsts = {s.path: _first_controls_ns(s) for s in drive.segments}
        seen["events"] += len(events)
        seen["two events in a segment"] += max(paths.values(), default=0) > 1
        seen["events before controls"] += sum(
            event["time_in_segment_s"] != 0 and firsts[event["rlog_path"]] is None
            for event in events
        )
        seen["negative highway distance"] += (
            entry["speed_buckets"]["highway"]["distance_km_raw"] < 0
        )
        seen["no odometer"] += entry["odo_distance"] is None
        seen["odometer stands"] += entry["odo_distance"] == 0
        seen["no date"] += entry["recorded_at"] is None
        seen["interventions"] += entry["intervention_count"]
        seen["cruise"] += entry["cruise_press_time_ns"]
        seen["time runs back"] += entry["active_time"] < 0 or entry["total_time"] < 0
        seen["no device type"] += "deviceType" not in entry
        seen["empty segment"] += any(not segment.messages for segment in drive.segments)
    assert len(seen) == 12
    assert all(seen.values()), seen


@settings(deadline=None, max_examples=40)
@given(legacy_drives.drives())
def test_a_drive_is_never_engaged_longer_than_it_lasts(drive):
    entry, events = legacy.compute(drive)

    assert 0 <= entry["drive_time_active"] <= entry["drive_time"]
    assert entry["steer_intervention_count"] == len(events)
    assert entry["intervention_count"] * 2 <= entry["total_state_changes"]
    buckets = entry["speed_buckets"].values()
    assert sum(b["time_ns"] for b in buckets) >= entry["drive_time"]
    assert all(b["engaged_time_ns"] <= b["time_ns"] for b in buckets)


def _first_controls_ns(segment):
    return next((m.mono_ns for m in segment.messages if isinstance(m, Controls)), None)


def _without_raw(entry):
    buckets = {
        key: {name: value for name, value in bucket.items() if name not in RAW_FIELDS}
        for key, bucket in entry["speed_buckets"].items()
    }
    return {**entry, "speed_buckets": buckets}
