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


def engaged():
    """A minute, engaged from 10 s on, with everything else at rest."""
    tables = sound_drive()
    tables["car_state"] = [row | AT_REST for row in tables["car_state"]]
    for row in tables["selfdrive_state"]:
        row["state"] = "enabled" if row["active"] else "disabled"
    return tables


def without_car_state(tables, start_s, end_s):
    is_missing = between(start_s, end_s)
    tables["car_state"] = [row for row in tables["car_state"] if not is_missing(row)]


@pytest.mark.parametrize(
    ("pressed_s", "n_interventions"),
    [
        ((20, 30), 1),  # held throughout, as far as anybody knows
        ((24, 30), 1),  # taken while nobody saw it, in assistance that is known
        ((0, 30), 0),  # carried in
    ],
)
def test_a_press_over_a_silence_of_car_state_is_one(connection, pressed_s, n_interventions):
    tables = engaged()
    press(tables, *pressed_s)
    without_car_state(tables, 22, 27)

    assert interventions(connection, tables) == [("engaged", ["steer"])] * n_interventions


def test_events_tell_that_a_press_ended_in_a_silence_of_car_state(connection):
    tables = engaged()
    press(tables, 20, 30)
    without_car_state(tables, 21, 28)
    list_event(tables, 20, 22, "steerOverride", "override_lateral")
    list_event(tables, 26, 30, "steerOverride", "override_lateral")

    assert interventions(connection, tables) == [("engaged", ["steer"])] * 2


def test_a_foot_that_is_there_when_car_state_is_back_may_have_been_there_when_engaging(connection):
    tables = engaged()
    press(tables, 11, 15, "gas_pressed")
    without_car_state(tables, 8, 12)

    assert interventions(connection, tables) == []


def change_lanes(tables, direction, state="preLaneChange"):
    rows = [row for row in tables["selfdrive_state"] if between(19, 21)(row)]
    for row, said in zip((rows[0], rows[-1]), (state, "off"), strict=True):
        told = {"source": "modelV2", "state": said, "direction": direction}
        add(tables, "lane_change", {name: row[name] for name in PLACE} | told)


def turn(tables, torque, **signals):
    """Press the wheel from 20 s to 20.9 s, to one side."""
    press(tables, 20, 21)
    for row in tables["car_state"]:
        at_rest = -0.01 * (torque or 0)
        row.update(steering_torque=torque if row["steering_pressed"] else at_rest, **signals)


@pytest.mark.parametrize(
    ("told_by", "torque", "is_nudge"),
    [
        ("state", 2.0, True),
        ("state", -2.0, False),
        ("state", None, True),
        ("event", -2.0, False),
        ("event", 0.0, True),
        ("blinker", -2.0, False),
    ],
)
def test_a_press_away_from_the_lane_that_waits_refuses_it(connection, told_by, torque, is_nudge):
    tables = engaged()
    turn(tables, torque, left_blinker=told_by == "blinker")
    if told_by == "event":
        list_event(tables, 19, 22, "preLaneChangeLeft", "warning")
    else:
        change_lanes(tables, "left" if told_by == "state" else "none")

    compute(connection, tables, "interventions")

    [row] = rows(connection, "select is_nudge, is_intervention from overrides")
    assert row == {"is_nudge": is_nudge, "is_intervention": not is_nudge}
    assert [row["is_nudge"] for row in metrics.compute(tables)["overrides"]] == [is_nudge]
    planned = [row["is_planned"] for row in rows(connection, "from interventions")]
    assert planned == [False] * (not is_nudge)


@pytest.mark.parametrize(
    ("told_by", "disengages", "torque", "is_planned"),
    [
        ("lane change", True, 2.0, True),
        ("lane change", True, -2.0, False),
        ("lane change", False, -2.0, False),
        ("blinker", True, -2.0, False),
        ("blinker", False, -2.0, False),
        ("blinker", False, None, True),
    ],
)
def test_a_press_away_from_where_the_car_is_to_go_is_not_planned(
    connection, told_by, disengages, torque, is_planned
):
    tables = engaged()
    turn(tables, torque, left_blinker=told_by == "blinker")
    change_lanes(tables, "left", "laneChangeStarting" if told_by == "lane change" else "off")
    if disengages:
        for row in tables["car_state"]:
            row["steering_disengage"] = row["steering_pressed"]
        for row in tables["selfdrive_state"]:
            row["active"] = row["enabled"] = row["active"] and not between(20.05, 90)(row)

    assert interventions(connection, tables) == [("engaged", ["steer"])]

    [row] = rows(connection, "select is_planned, ends_engagement from interventions")
    assert row == {"is_planned": is_planned, "ends_engagement": disengages}
    assert metrics.compute(tables)["interventions"][0]["is_planned"] is is_planned


@pytest.mark.parametrize(
    ("off_s", "brake_s", "inputs"),
    [
        (50.0, 50.35, ["main"]),  # the button first, the brake some samples later
        (50.0, 49.6, ["main"]),  # steering went on under the brake
        (50.0, 50.0, []),  # the brake switches it off
        (50.05, 50.1, []),  # within one sample of a qlog the brake may have
    ],
)
def test_what_switched_steering_off_goes_by_time(connection, off_s, brake_s, inputs):
    tables = steering_alone()
    tables["segment"] = [row | {"log_kind": "qlog"} for row in tables["segment"]]
    tell_mads(tables, is_on=True)
    for row in tables["mads"]:
        row["enabled"] = row["active"] = not between(50, 90)(row)
        row["state"] = "enabled" if row["enabled"] else "disabled"
    press(tables, brake_s - 0.01, 55, "brake_pressed")
    place = {"drive_id": 1, "segment_num": 2, "message_num": 10_000}
    told = {"mono_ns": START_NS + 1 + round(off_s * SECOND_NS), "source": "onroadEventsSP"}
    add(tables, "car_event", place | told | {"name": "lkasDisable", "user_disable": True})

    found = [row for row in interventions(connection, tables) if row[1] != ["steer"]]

    assert found == [("lateral_only", inputs)] * bool(inputs)


@pytest.mark.parametrize(
    ("off_s", "on_s", "n_found"),
    [(30.2, 30.9, 1), (30.2, 30.6, 0), (30.2, None, 0), (30.6, 31.3, 1)],
)
def test_who_cancels_and_engages_within_a_second_leaves_events(connection, off_s, on_s, n_found):
    """openpilot's state once a second, as in qlogs before 2021-07: engaged in every sample."""
    tables = engaged()
    tables["segment"] = [row | {"log_kind": "qlog"} for row in tables["segment"]]
    tables["selfdrive_state"] = tables["selfdrive_state"][::10]
    for row in tables["selfdrive_state"]:
        is_off = on_s is not None and between(off_s, on_s)(row)
        row["active"] = row["enabled"] = row["active"] and not is_off
    list_event(tables, 20, 20, "none", "warning")
    told_at = (off_s, "buttonCancel", "user_disable"), (on_s, "pcmEnable", "enable")
    for at_s, name, flag in told_at:
        if at_s is not None:
            told = {"mono_ns": START_NS + 1 + round(at_s * SECOND_NS), "source": "onroadEvents"}
            place = {"drive_id": 1, "segment_num": 1, "message_num": 20_000 + round(at_s * 10)}
            row = place | told | dict.fromkeys(FLAGS, False) | {"name": name, flag: True}
            add(tables, "car_event", row)

    assert interventions(connection, tables) == [("engaged", ["cancel"])] * n_found
