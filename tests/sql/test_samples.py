"""Views of samples, and their grid, against brute force in Python."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest

from engagement.store.views import load_views
from tests import builders
from tests.computing import compute, differences, rows
from tests.oracles.samples import ON_GRID, PLACE, SECOND_NS, VIEWS, Drives

RESULTS = ("drive_facts", "drive_identity", "state_intervals", "overrides")

# What random drives don't say.
LACKING = {
    "car_state": ("steering_rate_deg_per_s", "cruise_speed_mps"),
    "car_control": ("accel_mps2", "torque", "steering_angle_deg", "curvature_per_m"),
    "controls_state": ("desired_curvature_per_m",),
    "lead": ("y_rel_m", "v_lead_mps", "a_lead_mps2", "model_prob_fraction"),
    "gps": ("altitude_m", "speed_mps", "bearing_deg", "horizontal_accuracy_m"),
}
# What they have no messages of, and what these may say.
NUMBERS, FLAGS = (None, 0.5, -1.25), (None, True, False)
MESSAGES = {
    "plan": {
        "target_accel_mps2": NUMBERS, "first_accel_mps2": NUMBERS, "has_lead": FLAGS,
        "plan_source": ("lead0", None), "should_stop": FLAGS, "fcw": FLAGS,
    },
    "model": {
        "source": ("modelV2",), "left_lane_prob_fraction": NUMBERS,
        "right_lane_prob_fraction": NUMBERS, "curvature_per_m": NUMBERS, "accel_mps2": NUMBERS,
        "should_stop": FLAGS, "lane_change_state": ("off", None),
        "lane_change_direction": ("left", None), "frame_drop_percent": NUMBERS,
    },
    "driver_monitoring": {
        "source": ("driverMonitoringState",), "is_face_detected": FLAGS, "is_distracted": FLAGS,
        "awareness_fraction": NUMBERS, "wheel_awareness_fraction": NUMBERS,
        "is_by_camera": FLAGS, "alert_level": ("two", None),
    },
}  # fmt: skip
TOLD = (
    "plan_accel_mps2", "plan_source", "plan_should_stop", "left_lane_prob_fraction",
    "model_curvature_per_m", "lane_change_state", "is_driver_distracted",
    "driver_awareness_fraction", "driver_alert_level",
    "steering_rate_deg_per_s", "accel_command_mps2", "torque_command", "curvature_per_m",
    "steering_angle_command_deg", "desired_curvature_per_m", "lead_y_rel_m", "lead_v_mps",
    "lead_a_mps2", "lead_ttc_s", "lead_thw_s", "latitude", "gps_speed_mps", "at_utc", "gear",
    "is_lateral_override", "lateral_acceleration_mps2", "looks_planned",
)  # fmt: skip


def columns_of(connection, view):
    return [name for name, *_ in connection.execute(f"describe select * from {view}").fetchall()]


def sampled(rng, tables):
    """CAN signals, commands, plans and a clock, which random drives lack."""
    for table, names in LACKING.items():
        for row in tables.get(table, []):
            row |= {name: rng.choice((None, 0.5, -1.25)) for name in names}
    found = [row for row in tables.get("car_state", []) if rng.random() < 0.1]
    place = ("drive_id", "segment_num", "message_num", "mono_ns")
    tables["can_signal"] = [
        {name: row[name] for name in place}
        | {"frame_num": number, "signal_key": f"key_{number}", "bus": number, "value": rng.random()}
        for row in found
        for number in range(rng.randrange(3))
    ]
    for table, names in MESSAGES.items():
        tables[table] = [
            {name: row[name] for name in place}
            | {name: rng.choice(choices) for name, choices in names.items()}
            for row in tables.get("car_state", [])
            if rng.random() < 0.1
        ]
    if rng.random() < 0.7:
        wall_ns = int(datetime(2025, 7, 1, tzinfo=UTC).timestamp()) * SECOND_NS
        tables["clock"] = [
            {name: row[name] for name in place} | {"wall_time_ns": wall_ns} for row in found[:1]
        ]
    return tables


@pytest.fixture
def drives(connection):
    rng = Random(20)
    base = builders.merge(
        [sampled(rng, builders.random_drive(rng, drive_id)) for drive_id in range(1, 9)]
    )
    compute(connection, base, "samples", *VIEWS)
    return Drives(base, {name: rows(connection, f"from result.{name}") for name in RESULTS})


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_of_samples_has_every_message_at_its_time(view, connection, drives):
    columns = columns_of(connection, view)
    key = ["drive_id", "segment_num", "message_num"]
    if view == "can_samples":
        key += ["frame_num", "signal_key"]
    found = rows(connection, f"from {view}")
    wanted = drives.samples(view, columns)
    assert found
    assert differences({view: found}, {view: wanted}, {view: key}) == []


@pytest.mark.parametrize("hz", [10, 4])
def test_a_tick_has_the_last_sample_that_is_recent_enough(hz, connection, drives):
    columns = {
        view: [name for name in columns_of(connection, view) if name not in PLACE]
        for view in ON_GRID
    }
    wanted = list(drives.on_grid(columns, SECOND_NS // hz))
    view = "samples" if hz == 10 else f"samples_at({hz})"
    found = rows(connection, f"from {view}")
    assert columns_of(connection, "samples") == columns_of(connection, "samples_at(4)")
    assert set(found[0]) == set(wanted[0])
    assert differences({view: found}, {view: wanted}, {view: ["drive_id", "mono_ns"]}) == []
    assert all(any(row[name] is not None for row in found) for name in TOLD)


def test_a_service_that_is_not_named_is_not_read_and_the_others_say_the_same(connection, drives):
    assert drives
    query = "select drive_id, mono_ns, v_ego_mps, looks_planned from {} where v_ego_mps is not null"
    some = rows(connection, query.format("services_at(10, ['car'])") + " order by all")
    assert some == rows(connection, query.format("samples") + " order by all")
    nothing = "select count(lead_d_rel_m) + count(mode) as n from services_at(10, ['car', 'gps'])"
    assert rows(connection, nothing) == [{"n": 0}]


def test_every_column_of_samples_says_what_it_is():
    views = {view.name: view for view in load_views()}
    for name in ("samples", *VIEWS):
        assert all(views[name].comments.values())
    assert "carState.vEgo in m/s" in views["samples"].comments["v_ego_mps"]


def test_an_event_says_when_it_was_and_what_drove(connection, drives):
    compute(connection, {}, "events")
    identities = {row["drive_id"]: row for row in rows(connection, "from result.drive_identity")}
    events = rows(connection, "from events")
    assert any(row["at_utc"] for row in events)
    for row in events:
        who = identities[row["drive_id"]]
        names = ("car_fingerprint", "git_branch", "version")
        assert [row[name] for name in names] == [who[name] for name in names]
        assert row["at_utc"] == drives.at(row["drive_id"], row["mono_ns"])["at_utc"]
        if who["started_at_local"]:
            since = row["at_local"] - who["started_at_local"]
            assert abs(since.total_seconds() - row["time_s"]) < 1e-5
        else:
            assert row["at_local"] is None
