"""The oracle of the metric views on drives small enough to compute by hand: 10 samples a second."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracles.metric_drive import Parameters
from tests.oracles.metrics import compute

Row = dict[str, Any]
Tables = dict[str, list[Row]]

TENTH_NS = 100_000_000
START_NS = 5_000_000_000
STATES = {
    "m": (False, False, "disabled"),
    "p": (True, False, "preEnabled"),
    "E": (True, True, "enabled"),
    "S": (True, True, "softDisabling"),
}
CAR_STATE = {
    "v_ego_mps": 10.0,
    "steering_pressed": False,
    "steering_disengage": False,
    "gas_pressed": False,
    "brake_pressed": False,
    "regen_braking": False,
    "cruise_enabled": True,
    "cruise_available": True,
    "gear": "drive",
    "n_pointers": 6,
    "left_blinker": False,
    "right_blinker": False,
}
FLAGS = ("user_disable", "soft_disable", "immediate_disable", "override_lateral", "warning")


def at_ns(tenths: float) -> int:
    return START_NS + round(tenths * TENTH_NS)


def placed(tenths: float, row: Row, segment_num: int = 0) -> Row:
    return {
        "drive_id": 1,
        "segment_num": segment_num,
        "message_num": 0,
        "mono_ns": at_ns(tenths),
    } | row


def tables_of(control: str, **signals: str) -> Tables:
    """One sample a tenth; a space is no control sample, an x in a signal makes it true."""
    tables: Tables = {
        "drive": [{"drive_id": 1, "dongle_id": "d", "drive": "r"}],
        "segment": [{"drive_id": 1, "segment_num": 0, "log_kind": "rlog", "status": "ok"}],
        "selfdrive_state": [],
        "car_state": [],
    }
    for tenths, letter in enumerate(control):
        if letter != " ":
            row = dict(zip(("enabled", "active", "state"), STATES[letter], strict=True))
            tables["selfdrive_state"].append(placed(tenths, row))
        signal_row = {name: text[tenths : tenths + 1] == "x" for name, text in signals.items()}
        tables["car_state"].append(placed(tenths, CAR_STATE | signal_row))
    return tables


def event(tenths: float, name: str, flag: str) -> Row:
    flags = dict.fromkeys((*FLAGS, "override_longitudinal"), False)
    row = {"source": "onroadEvents", "name": name} | flags | {flag: True}
    return placed(tenths, row)


def spans(rows: list[Row]) -> list[tuple[float, float]]:
    """The rows' start and end in tenths of a second."""
    return [
        ((row["start_mono_ns"] - START_NS) / 1e8, (row["end_mono_ns"] - START_NS) / 1e8)
        for row in rows
    ]


def test_a_state_holds_until_the_next_sample_and_the_last_one_for_no_time():
    views = compute(tables_of("mmppEEEm"))

    assert [row["mode"] for row in views["state_intervals"]] == ["manual", "pre_enabled", "engaged"]
    assert spans(views["state_intervals"]) == [(0, 2), (2, 4), (4, 7)]


@pytest.mark.parametrize(("silence", "known_s"), [(9, 1.1), (10, 0.1)])
def test_a_state_is_unknown_after_more_than_a_second_of_silence(silence, known_s):
    (drive,) = compute(tables_of("EE" + " " * silence + "E"))["drives"]

    assert drive["known_s"] == pytest.approx(known_s)
    assert drive["duration_s"] == pytest.approx((2 + silence) / 10)
    assert drive["coverage"] == pytest.approx(known_s / drive["duration_s"])


def test_a_missing_segment_is_unknown_however_short():
    tables = tables_of("EEEE")
    for row in tables["selfdrive_state"][2:]:
        row["segment_num"] = 2

    views = compute(tables)

    assert [row["mode"] for row in views["state_intervals"]] == ["engaged", "unknown", "engaged"]
    assert [row["end_kind"] for row in views["engagements"]] == ["gap", "end_of_log"]
    assert [row["start_kind"] for row in views["engagements"]] == ["unknown", "unknown"]


def test_an_off_run_of_half_a_second_ends_an_engagement_and_a_shorter_one_does_not():
    views = compute(tables_of("mEEEmmmmEEmmmmmEEm"))

    assert spans(views["engagements"]) == [(1, 10), (15, 17)]
    assert [row["end_kind"] for row in views["engagements"]] == ["disengagement", "end_of_log"]
    # 10 m/s for 0.5 s of the first, 0.2 s of the second.
    assert [row["distance_km"] for row in views["engagements"]] == pytest.approx([0.005, 0.002])


@pytest.mark.parametrize(
    ("n_on", "n_off", "is_counted"),
    [(20, 21, True), (19, 21, False), (20, 20, False), (30, 40, True)],
)
def test_a_disengagement_counts_with_two_seconds_on_each_side(n_on, n_off, is_counted):
    # The last of the off samples holds for no time.
    (row,) = compute(tables_of("m" + "E" * n_on + "m" * n_off))["disengagements"]

    assert row["is_counted"] is is_counted
    assert row["time_s"] == pytest.approx((n_on + 1) / 10)


def test_the_off_time_ends_where_the_next_engagement_or_the_unknown_starts():
    control = "m" + "E" * 20 + "m" * 19 + "E" * 20 + "m" * 20 + " " * 30 + "m"

    rows = compute(tables_of(control))["disengagements"]

    # After the second one 19 off samples hold, and the twentieth is the last before the silence.
    assert [row["is_counted"] for row in rows] == [False, False]


def test_a_press_is_an_override_from_0_3_s_and_presses_less_than_a_second_apart_are_one():
    pressed = "  xx  xxx         xxx          xxx       "

    rows = compute(tables_of("E" * 40, steering_pressed=pressed))["overrides"]

    assert spans(rows) == [(6, 21), (31, 34)]
    assert [row["axis"] for row in rows] == ["lateral", "lateral"]


@pytest.mark.parametrize(("start", "count"), [(24, 1), (25, 0), (27, 0)])
def test_the_gas_press_that_disengages_is_no_override(start, count):
    tables = tables_of("E" * 30 + "m" * 30, gas_pressed=" " * start + "x" * 20)

    assert len(compute(tables)["overrides"]) == count


def test_an_override_event_holds_to_the_next_message_within_two_seconds():
    tables = tables_of("E" * 60)
    tables["segment"][0]["log_kind"] = "qlog"
    tables["car_event"] = [
        event(5, "steerOverride", "override_lateral"),
        event(25, "none", "warning"),
        event(30, "steerOverride", "override_lateral"),
        event(50.1, "none", "warning"),
    ]

    assert spans(compute(tables)["overrides"]) == [(5, 25)]


@pytest.mark.parametrize(("log_kind", "count"), [("rlog", 0), ("qlog", 1)])
def test_events_locate_presses_only_where_car_state_is_too_coarse(log_kind, count):
    tables = tables_of("E" * 60)
    tables["segment"][0]["log_kind"] = log_kind
    tables["car_event"] = [
        event(5, "steerOverride", "override_lateral"),
        event(15, "none", "warning"),
        event(30, "steerOverride", "override_lateral"),
        event(32.9, "none", "warning"),
    ]

    assert len(compute(tables)["overrides"]) == count


@pytest.mark.parametrize(
    ("events", "cause", "is_inferred"),
    [
        ([(29, "pedalPressed", "user_disable"), (31, "canError", "immediate_disable")],
         "driver_brake", True),
        ([(31, "canError", "immediate_disable")], "system_immediate", False),
        ([(29, "buttonCancel", "user_disable"), (30, "cruiseDisabled", "immediate_disable")],
         "driver_cancel", False),
        ([(30, "cruiseDisabled", "immediate_disable")], "car_cruise", False),
        ([(30, "speedTooLow", "immediate_disable")], "car_limit", False),
        ([(30, "driverUnresponsive3", "immediate_disable")], "driver_inattention", False),
        ([(31.1, "canError", "immediate_disable")], "unknown", False),
        ([(25, "parkBrake", "user_disable")], "driver_park", False),
        ([(24.9, "parkBrake", "user_disable")], "unknown", False),
        ([(30, "pedalPressed", "user_disable")], "driver_brake", True),
        ([(30, "pcmDisable", "user_disable"), (30, "manualRestart", "user_disable")],
         "driver_other", False),
        ([(30, "pcmDisable", "user_disable")], "driver_cancel", True),
        ([(30, "wrongCarMode", "user_disable"), (30, "buttonCancel", "user_disable")],
         "driver_cancel", False),
        ([(10, "overheat", "soft_disable")], "unknown", False),
    ],
)  # fmt: skip
def test_causes_by_events_come_in_their_order(events, cause, is_inferred):
    tables = tables_of("E" * 30 + "m" * 30)
    tables["car_event"] = [event(*each) for each in events]

    (row,) = compute(tables)["disengagements"]

    assert (row["cause"], row["is_inferred"]) == (cause, is_inferred)


@pytest.mark.parametrize(
    ("name", "cause"), [("overheat", "system_soft"), ("wrongGear", "driver_soft")]
)
def test_a_soft_disable_needs_its_state_and_may_come_seconds_before(name, cause):
    tables = tables_of("E" * 55 + "SSSSS" + "m" * 30)
    tables["car_event"] = [event(10, name, "soft_disable")]

    (row,) = compute(tables)["disengagements"]

    assert (row["cause"], row["cause_event"]) == (cause, name)


def test_an_event_that_was_in_the_list_before_did_not_begin():
    tables = tables_of("E" * 30 + "m" * 30)
    tables["car_event"] = [event(t, "parkBrake", "user_disable") for t in (15, 24, 30)]

    (row,) = compute(tables)["disengagements"]

    assert row["cause"] == "unknown"


@pytest.mark.parametrize(
    ("signal", "cause"),
    [("brake_pressed", "driver_brake"), ("gas_pressed", "driver_gas")],
)
def test_without_events_the_pedals_tell(signal, cause):
    tables = tables_of("E" * 30 + "m" * 30, **{signal: " " * 28 + "xxxx"})

    (row,) = compute(tables)["disengagements"]

    assert (row["cause"], row["is_inferred"]) == (cause, True)


@pytest.mark.parametrize(
    ("start", "found"),
    [
        # 2 s after the press of the wheel ended the button is of the same moment.
        (7, [(0.7, ["cancel", "steer"], True)]),
        (6, [(0.6, ["steer"], False), (3.0, ["cancel"], True)]),
    ],
)
def test_inputs_that_follow_within_two_seconds_are_one_intervention(start, found):
    tables = tables_of("mEE" + "E" * 27 + "m" * 30, steering_pressed=" " * start + "xxx")
    tables["car_event"] = [event(30, "buttonCancel", "user_disable")]

    rows = compute(tables)["interventions"]

    assert [(row["time_s"], row["inputs"], row["ends_engagement"]) for row in rows] == found


@pytest.mark.parametrize(("start", "is_carried_in"), [(9, True), (10, True), (11, False)])
def test_what_is_pressed_when_engaging_is_carried_in(start, is_carried_in):
    tables = tables_of("m" * 10 + "E" * 50, gas_pressed=" " * start + "xxxxxx")

    views = compute(tables)

    assert [row["is_carried_in"] for row in views["overrides"]] == [is_carried_in]
    assert len(views["interventions"]) == 1 - is_carried_in


@pytest.mark.parametrize(
    ("asked", "length", "is_nudge"), [(10, 15, True), (10, 16, False), (9.9, 15, False)]
)
def test_a_touch_that_confirms_a_lane_change_is_a_nudge(asked, length, is_nudge):
    tables = tables_of("m" + "E" * 50, steering_pressed=" " * 20 + "x" * length)
    states = (5, "preLaneChange"), (asked, "off")
    tables["lane_change"] = [
        placed(tenths, {"source": "modelV2", "state": state}) for tenths, state in states
    ]
    if asked == 10:
        tables["lane_change"][1]["mono_ns"] += 1

    assert [row["is_nudge"] for row in compute(tables)["overrides"]] == [is_nudge]


def test_a_touch_that_was_asked_for_and_a_start_from_a_stop_are_no_interventions():
    tables = tables_of(
        "m" + "E" * 80, steering_pressed=" " * 20 + "xxx", gas_pressed=" " * 60 + "xxxx"
    )
    tables["car_event"] = [
        event(15, "promptDriverUnresponsive", "warning"),
        event(21, "none", "warning"),
        event(55, "resumeRequired", "warning"),
        event(62, "none", "warning"),
    ]

    views = compute(tables)

    flags = [(row["is_nag_answer"], row["is_resume"]) for row in views["overrides"]]
    assert flags == [(True, False), (False, True)]
    assert views["interventions"] == []


def lateral_tables(control: str, lateral: str, **signals: str) -> Tables:
    """Steering alone where `lateral` has an x and openpilot is not engaged."""
    tables = tables_of(control, **signals)
    tables["car_control"] = [
        placed(t, {"enabled": letter != "m", "lat_active": on == "x", "long_active": letter == "E"})
        for t, (letter, on) in enumerate(zip(control, lateral, strict=True))
    ]
    return tables


def test_runs_turn_into_the_other_mode_and_the_way_up_is_no_disengagement():
    control = "m" * 10 + "E" * 30 + "m" * 30 + "E" * 10 + "m" * 10
    tables = lateral_tables(control, "m" + "x" * 79 + "m" * 10, steering_pressed=" " * 38 + "xxxx")

    views = compute(tables)

    runs = [(row["mode"], row["end_kind"], row["to_mode"]) for row in views["engagements"]]
    assert runs == [
        ("lateral_only", "upgrade", "engaged"),
        ("engaged", "disengagement", "lateral_only"),
        ("lateral_only", "upgrade", "engaged"),
        ("engaged", "disengagement", "manual"),
    ]
    # One press goes over the end of the first engagement.
    assert [row["mode"] for row in views["overrides"]] == ["engaged"]
    assert len(views["disengagements"]) == 2


@pytest.mark.parametrize(("blinker", "n_runs"), [(20, 1), (9, 1), (8, 2), (0, 2)])
def test_a_blinker_pauses_steering_if_it_is_back_two_seconds_after_it(blinker, n_runs):
    lateral = "x" * 30 + "m" * 30 + "x" * 30
    signal = " " * 29 + "x" * (blinker + 2) if blinker else ""
    tables = lateral_tables("m" * 90, lateral, left_blinker=signal)

    views = compute(tables)

    assert len(views["engagements"]) == n_runs
    assert views["drives"][0]["lateral_only_s"] == pytest.approx(5.9)


@pytest.mark.parametrize(
    ("signal", "inputs"), [("brake_pressed", None), ("steering_disengage", ["steer"])]
)
def test_pedals_pause_steering_and_the_wheel_takes_over(signal, inputs):
    tables = lateral_tables("m" * 90, "x" * 40 + "m" * 50, **{signal: " " * 38 + "xxxx"})

    views = compute(tables)

    assert [row["is_pause"] for row in views["disengagements"]] == [inputs is None]
    assert [row["inputs"] for row in views["interventions"]] == ([] if inputs is None else [inputs])


@pytest.mark.parametrize(("steering", "n_found"), [("", 0), (" " * 28 + "x", 1)])
def test_a_belt_counts_only_with_wheel_or_pedal(steering, n_found):
    tables = tables_of("m" + "E" * 29 + "m" * 30, steering_pressed=steering)
    tables["car_event"] = [event(30, "seatbeltNotLatched", "user_disable")]

    views = compute(tables)

    assert [row["cause"] for row in views["disengagements"]] == ["driver_soft"]
    assert [row["inputs"] for row in views["interventions"]] == [["steer"]] * n_found


def test_the_end_in_a_qlog_is_that_of_the_event_between_two_samples():
    tables = tables_of("m" + "E" * 29 + "m" * 30)
    tables["segment"][0]["log_kind"] = "qlog"
    tables["car_event"] = [event(29.5, "buttonCancel", "user_disable")]

    (row,) = compute(tables)["disengagements"]

    assert (row["time_s"], row["end_uncertainty_s"]) == (2.95, 0.0)


@pytest.mark.parametrize(
    ("off", "end_kind"), [(50, "end_of_drive"), (51, "disengagement"), (29, "disengagement")]
)
def test_ignition_off_within_two_seconds_ends_the_drive(off, end_kind):
    tables = tables_of("E" * 30 + "m" * 30)
    tables["ignition"] = [
        placed(tenths, {"source": "pandaStates", "is_on": tenths < off})
        for tenths in (0, off, off + 1)
    ]

    views = compute(tables)

    assert [row["end_kind"] for row in views["engagements"]] == [end_kind]
    assert views["drives"][0]["n_disengagements"] == (end_kind == "disengagement")


def test_parking_ends_the_drive_only_after_its_last_engagement():
    tables = tables_of("EEEEE" + "m" * 10 + "EEEEE" + "m" * 10)
    for row in tables["car_state"]:
        row["gear"] = "park"

    rows = compute(tables)["disengagements"]

    assert [row["cause"] for row in rows] == ["unknown", "end_of_drive"]


def test_motion_is_a_trapezoid_without_negative_speeds_and_bands_go_by_the_first_speed():
    tables = tables_of("EEEEmm")
    for row, speed in zip(tables["car_state"], (-3, 10, 20, None, 30, 30), strict=True):
        row["v_ego_mps"] = speed

    views = compute(tables)

    # (0 + 10) / 2, (10 + 20) / 2 and (30 + 30) / 2 m/s for 0.1 s each.
    (drive,) = views["drives"]
    assert drive["distance_km"] == pytest.approx(0.005)
    assert drive["engaged_km"] == pytest.approx(0.002)
    assert drive["distance_engaged_fraction"] == pytest.approx(0.4)
    assert (drive["moving_s"], drive["moving_engaged_s"]) == pytest.approx((0.2, 0.1))
    bands = {row["speed_band"]: row["distance_km"] for row in views["speed_bands"]}
    assert bands == pytest.approx({"city": 0.002, "highway": 0.003})


def test_old_sunnypilot_is_lateral_only_where_its_cruise_is_off():
    tables = tables_of("EEEEEE", cruise_enabled="xxx   ")
    row = {"enabled": True, "lat_active": True, "long_active": False}
    tables["car_control"] = [placed(tenths, row) for tenths in range(6)]
    tables["controls_state"] = tables.pop("selfdrive_state")
    modes = [row["mode"] for row in compute(tables)["state_intervals"]]
    for row in tables["car_state"]:
        row["n_pointers"] = 7
    old_modes = [row["mode"] for row in compute(tables)["state_intervals"]]

    assert modes == ["engaged"]
    assert old_modes == ["engaged", "lateral_only"]


def test_thresholds_are_parameters():
    tables = tables_of("mEEEmmmmEEm", steering_pressed=" xx")

    views = compute(tables, Parameters(engagement_min_off_s=0.4, override_min_s=0.2))

    assert spans(views["engagements"]) == [(1, 4), (8, 10)]
    assert spans(views["overrides"]) == [(1, 3)]
