"""Moments that have names: what each finds, and what it must not, over drives made tick by tick."""

from __future__ import annotations

from collections import defaultdict

import duckdb
import pyarrow as pa
import pytest

from engagement.moments.compiling import compiled
from engagement.moments.grammar import parse
from engagement.moments.shipped import expression_of, shipped_moments
from engagement.moments.signals import known_signals, known_words
from engagement.resources import resource_dir
from engagement.store import schema
from tests.oracles.find import moments

N_TICKS = 200
# Following at 2.5 s, engaged, at a steady 20 m/s.
STEADY = {
    "mode": "engaged", "v_ego_mps": 20.0, "a_ego_mps2": 0.0, "brake_pressed": False,
    "gas_pressed": False, "steering_pressed": False, "standstill": False, "looks_planned": False,
    "is_lead_known": True, "is_lead_present": True, "lead_d_rel_m": 50.0, "lead_v_rel_mps": 0.0,
    "lead_v_mps": 20.0, "lead_thw_s": 2.5, "lead_ttc_s": None, "lateral_acceleration_mps2": 0.0,
    "torque_command": 0.1, "steering_rate_deg_per_s": 0.0, "v_cruise_kph": 90.0,
    "is_lateral_override": False, "is_longitudinal_override": False, "visual_alert": "none",
}  # fmt: skip
NO_LEAD = dict.fromkeys(("lead_d_rel_m", "lead_v_rel_mps", "lead_v_mps", "lead_thw_s")) | {
    "is_lead_present": False
}
FAR = {"lead_d_rel_m": 80.0, "lead_thw_s": 4.0}
CLOSING = {"lead_v_rel_mps": -14.0, "lead_ttc_s": 3.5}
NEAR = {"lead_d_rel_m": 20.0, "lead_thw_s": 1.0}
BRAKING = {"a_ego_mps2": -2.0}
BRAKE = {"brake_pressed": True, "mode": "manual"}
LEFT = {"steering_rate_deg_per_s": 8.0}
RIGHT = {"steering_rate_deg_per_s": -8.0}
SWING = ((50, 54, LEFT), (60, 64, RIGHT), (70, 74, LEFT), (80, 84, RIGHT))
STANDING = {"standstill": True, "v_ego_mps": 0.0, "lead_thw_s": None, "lead_d_rel_m": 4.0}


def during(**values):
    """All of a drive is so."""
    return (0, N_TICKS, values)


# What a drive has from one tick to another, and how many moments are in it.
DRIVES = [
    ("late_braking", 1, ((50, 60, CLOSING), (58, 80, BRAKE))),
    ("late_braking", 0, ((50, 60, CLOSING | BRAKING), (58, 80, BRAKE))),
    ("late_braking", 0, ((50, 60, {}), (58, 80, BRAKE))),
    ("late_braking", 0, ((40, 80, {"brake_pressed": True}), (50, 60, CLOSING))),
    ("phantom_braking", 1, (during(**NO_LEAD), (50, 60, BRAKING))),
    ("phantom_braking", 1, (during(**FAR), (50, 60, BRAKING))),
    ("phantom_braking", 0, ((50, 60, BRAKING),)),
    ("phantom_braking", 0, (during(**NO_LEAD), (50, 60, BRAKING | {"brake_pressed": True}))),
    ("phantom_braking", 0, (during(**NO_LEAD, v_cruise_kph=60.0), (50, 60, BRAKING))),
    ("phantom_braking", 0, (during(**NO_LEAD, lateral_acceleration_mps2=-2.0), (50, 60, BRAKING))),
    ("gas_after_braking", 1, ((50, 60, BRAKING), (62, 80, {"gas_pressed": True}))),
    ("gas_after_braking", 0, ((62, 80, {"gas_pressed": True}),)),
    ("gas_after_braking", 0, ((50, 60, BRAKING), (40, 80, {"gas_pressed": True}))),
    ("gas_after_braking", 0, (during(looks_planned=True), (50, 60, BRAKING),
                              (62, 80, {"gas_pressed": True}))),
    ("hard_braking", 1, ((50, 60, {"a_ego_mps2": -4.0}),)),
    ("hard_braking", 0, ((50, 52, {"a_ego_mps2": -4.0}),)),
    ("hard_braking", 0, (during(mode="manual"), (50, 60, {"a_ego_mps2": -4.0}))),
    ("cut_in", 1, ((50, 200, NEAR),)),
    ("cut_in", 1, (during(**NO_LEAD), (50, 200, NEAR | {"is_lead_present": True}))),
    ("cut_in", 0, ((50, 60, {"lead_thw_s": 1.6}), (60, 200, NEAR))),
    ("cut_in", 0, (during(looks_planned=True), (50, 200, NEAR))),
    ("cut_in", 0, ((50, 53, NEAR),)),
    ("cut_in", 0, ((45, 60, {"looks_planned": True}), (50, 200, NEAR))),
    ("cut_in", 1, ((0, 20, {"looks_planned": True}), (50, 200, NEAR))),
    ("cut_in", 1, ((50, 53, {"lead_thw_s": 1.6}), (53, 200, NEAR))),
    ("lead_lost", 1, ((50, 100, NO_LEAD),)),
    ("lead_lost", 0, ((50, 55, NO_LEAD),)),
    ("lead_lost", 0, (during(**FAR), (50, 100, NO_LEAD))),
    ("lead_lost", 0, ((45, 60, {"looks_planned": True}), (50, 100, NO_LEAD))),
    ("lead_lost", 1, ((0, 20, {"looks_planned": True}), (50, 100, NO_LEAD))),
    ("close_following", 1, ((50, 80, {"lead_thw_s": 0.6}),)),
    ("close_following", 0, ((50, 65, {"lead_thw_s": 0.6}),)),
    ("close_following", 0, (during(v_ego_mps=5.0), (50, 80, {"lead_thw_s": 0.6}))),
    ("slow_start", 1, (during(**STANDING, lead_v_rel_mps=3.0), (0, 50, {"lead_v_mps": 0.0}),
                       (50, 80, {"lead_v_mps": 3.0}))),
    ("slow_start", 0, (during(**STANDING, lead_v_mps=1.0),)),
    ("slow_start", 0, (during(**STANDING | NO_LEAD),)),
    ("saturated_steering", 1, ((50, 62, {"torque_command": -1.0}),)),
    ("saturated_steering", 0, ((50, 62, {"torque_command": -1.0, "steering_pressed": True}),)),
    ("saturated_steering", 0, (during(v_ego_mps=2.0), (50, 62, {"torque_command": 1.0}))),
    ("ping_pong", 1, SWING),
    ("ping_pong", 0, SWING[:2]),
    ("ping_pong", 0, (during(steering_pressed=True), *SWING)),
    ("ping_pong", 0, (during(looks_planned=True), *SWING)),
    ("long_override", 1, ((50, 100, {"is_lateral_override": True}),
                          (100, 151, {"is_longitudinal_override": True}))),
    ("long_override", 0, ((50, 90, {"is_lateral_override": True}),)),
    ("alert_ignored", 1, ((50, 90, {"visual_alert": "steerRequired"}),)),
    ("alert_ignored", 0, ((50, 90, {"visual_alert": "steerRequired"}),
                          (60, 90, {"steering_pressed": True}))),
    ("alert_ignored", 0, ((50, 90, {"visual_alert": "ldw"}),)),
    ("collision_warning", 1, ((50, 90, {"visual_alert": "fcw"}),)),
    ("collision_warning", 2, ((50, 60, {"visual_alert": "fcw"}),
                              (90, 95, {"visual_alert": "fcw"}))),
    ("collision_warning", 0, ((0, 90, {"visual_alert": "fcw"}),)),
]  # fmt: skip


class Database:
    """The drives on a grid."""

    def __init__(self, connection):
        self.connection = connection

    def rows(self, query, parameters=()):
        relation = self.connection.sql(query, params=parameters or None)
        return relation.to_arrow_table().to_pylist()


def ticks_of(changes):
    ticks = {tick: dict(STEADY) for tick in range(N_TICKS)}
    for start, end, values in changes:
        for tick in range(start, end):
            ticks[tick] |= values
    return ticks


@pytest.fixture(scope="module")
def database():
    with duckdb.connect() as connection:
        schema.create(connection)
        found = Database(connection)
        columns = {r["column_name"]: r["column_type"] for r in found.rows("describe samples")}
        described = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        connection.execute(f"create temp table grid ({described})")
        made = [
            {"drive_id": drive_id, "mono_ns": tick * 10**8} | row
            for drive_id, (_, _, changes) in enumerate(DRIVES)
            for tick, row in ticks_of(changes).items()
        ]
        connection.register("made", pa.Table.from_pylist(made))
        connection.execute("insert into grid by name from made")
        connection.execute(
            "create temp view ticks_of_grid as select *, mono_ns // 100000000 as tick_num from grid"
        )
        yield found


@pytest.mark.parametrize("name", shipped_moments())
def test_a_moment_is_found_where_a_driver_would_say_so_and_nowhere_else(database, name):
    pattern = parse(expression_of(name), known_signals(database.rows))
    query = compiled(pattern, "ticks_of_grid")
    found = defaultdict(list)
    for row in database.rows(query.text.replace("{drives}", "true"), query.parameters):
        if row["exposure_s"] is None:
            span = row["start_mono_ns"] // 10**8, row["end_mono_ns"] // 10**8
            found[row["drive_id"]].append(span)
    own = {drive_id: one for drive_id, one in enumerate(DRIVES) if one[0] == name}
    counts = {n for _, n, _ in own.values()}
    assert 0 in counts
    assert len(counts) > 1
    for drive_id, (_, n_moments, changes) in own.items():
        expected, _ = moments(pattern, ticks_of(changes))
        assert len(expected) == n_moments, (drive_id, changes)
        assert found[drive_id] == expected


def test_the_documentation_names_each_with_what_it_finds():
    page = (resource_dir("docs") / "find.md").read_text(encoding="utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| `") and "_" in line]
    named = [f"| `{name}` | {one.says} |" for name, one in shipped_moments().items()]
    assert [row for row in rows if row in named] == named


def test_a_name_is_no_word_of_expressions_and_is_read_in_any_case(database):
    signals = known_signals(database.rows)
    assert not {*shipped_moments()} & {*signals, *known_words(signals)}
    assert expression_of(" Hard_Braking ") == shipped_moments()["hard_braking"].find
    assert expression_of("engaged") == "engaged"
