"""Presses that two sources tell of, and pedals while only steering is on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.computing import compute, rows
from tests.oracles import metrics
from tests.unsound_drives import SECOND_NS, START_NS, add, between, sound_drive

Row = dict[str, Any]

FLAGS = (
    "enable", "user_disable", "soft_disable", "immediate_disable", "override_lateral",
    "override_longitudinal",
)  # fmt: skip
PLACE = ("drive_id", "segment_num", "message_num", "mono_ns")
AT_REST = {
    "steering_pressed": False, "steering_disengage": False, "gas_pressed": False,
    "brake_pressed": False, "regen_braking": False, "cruise_enabled": False,
    "cruise_available": True, "gear": "drive", "n_pointers": 6, "left_blinker": False,
    "right_blinker": False,
}  # fmt: skip


def press(tables, start_s, end_s, name="steering_pressed"):
    """Let carState say that the wheel, or a pedal, is pressed, where it says anything then."""
    for row in tables["car_state"]:
        row[name] = between(start_s, end_s)(row)


def list_event(tables, start_s, end_s, name, flag):
    """Let lists of events, one a second, hold an event from start to end."""
    for second in range(start_s - 2, end_s + 1):
        row: Row = {"drive_id": 1, "segment_num": second // 20, "message_num": 10_000 + second}
        row |= {"mono_ns": START_NS + 1 + second * SECOND_NS, "source": "onroadEvents"}
        is_on = start_s <= second < end_s
        row |= {"name": name if is_on else None} | dict.fromkeys(FLAGS, False)
        add(tables, "car_event", row | {flag: is_on})


def test_a_press_that_is_carried_in_and_told_by_two_sources_is_one(connection):
    tables = sound_drive()
    press(tables, 6, 14)
    list_event(tables, 6, 14, "steerOverride", "override_lateral")
    # The lists tell of it while carState is missing, which is back before the engagement begins.
    tables["car_state"] = [row for row in tables["car_state"] if not between(5, 8)(row)]

    compute(connection, tables, "overrides", "events")

    expected = metrics.compute(tables)["overrides"]
    assert [row["is_carried_in"] for row in expected] == [True]
    query = "select start_mono_ns, end_mono_ns, is_carried_in from overrides"
    assert rows(connection, query) == [
        {name: row[name] for name in ("start_mono_ns", "end_mono_ns", "is_carried_in")}
        for row in expected
    ]
    assert len(rows(connection, "from events where kind = 'lateral_override'")) == 1


def steering_alone():
    """A minute in which openpilot steers from 10 s to 50 s and is never enabled."""
    tables = sound_drive()
    for row in tables["selfdrive_state"]:
        row |= {"enabled": False, "active": False, "state": "disabled"}
        is_on = between(10, 50)(row)
        told = {name: row[name] for name in PLACE}
        add(
            tables,
            "car_control",
            told | {"enabled": False, "lat_active": is_on, "long_active": False},
        )
    tables["car_state"] = [row | AT_REST for row in tables["car_state"]]
    return tables


def interventions(connection, tables):
    """The interventions' modes and inputs, which the oracle sees as well."""
    compute(connection, tables, "interventions")
    found = rows(connection, "select mode, inputs from interventions order by mono_ns")
    expected = [
        {"mode": row["mode"], "inputs": row["inputs"]}
        for row in metrics.compute(tables)["interventions"]
    ]
    assert found == expected
    return [(row["mode"], row["inputs"]) for row in found]


@pytest.mark.parametrize("name", ["reverseGear", "doorOpen", "parkBrake"])
@pytest.mark.parametrize(
    ("pressed", "inputs"), [("brake_pressed", set()), ("steering_pressed", {"steer"})]
)
def test_pedals_are_driving_while_only_steering_is_on(connection, name, pressed, inputs):
    tables = steering_alone()
    press(tables, 49, 55, pressed)
    list_event(tables, 50, 56, name, "user_disable")

    found = interventions(connection, tables)

    used = {each for _, together in found for each in together}
    assert used & {"brake", "steer"} == inputs
    assert len(found) == len(inputs)


def tell_mads(tables, *, is_on):
    """Let sunnypilot tell every tenth of a second whether MADS is on."""
    for row in tables["selfdrive_state"]:
        told = {name: row[name] for name in PLACE} | {"source": "selfdriveStateSP"}
        state = {"state": "enabled" if is_on else "disabled", "enabled": is_on, "active": is_on}
        add(tables, "mads", told | state | {"available": True})


@pytest.mark.parametrize(("is_on", "n_interventions"), [(False, 0), (True, 1)])
def test_who_is_engaged_with_mads_switched_off_steers_himself(connection, is_on, n_interventions):
    tables = steering_alone()
    tell_mads(tables, is_on=is_on)
    for row in tables["selfdrive_state"]:
        row |= {"enabled": True, "active": True}
    for row in tables["car_control"]:
        # At standstill or by a fault it does not steer either, but nobody has switched it off.
        row |= {"enabled": True, "lat_active": False}
    press(tables, 30, 32)

    assert interventions(connection, tables) == [("engaged", ["steer"])] * n_interventions


@pytest.mark.parametrize(("back_s", "n_interventions"), [(31, 0), (28, 1)])
def test_a_press_that_a_pause_of_steering_hands_over_is_carried_in(
    connection, back_s, n_interventions
):
    tables = steering_alone()
    press(tables, 29, 33)
    press(tables, 24, back_s, "left_blinker")
    for row in tables["car_control"]:
        row["lat_active"] = row["lat_active"] and not between(25, back_s)(row)

    assert interventions(connection, tables) == [("lateral_only", ["steer"])] * n_interventions
