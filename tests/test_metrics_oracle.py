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
}
FLAGS = ("user_disable", "soft_disable", "immediate_disable", "override_lateral")


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
    tables["car_event"] = [
        event(5, "steerOverride", "override_lateral"),
        event(25, "none", "user_disable"),
        event(30, "steerOverride", "override_lateral"),
        event(50.1, "none", "user_disable"),
    ]

    assert spans(compute(tables)["overrides"]) == [(5, 25)]


@pytest.mark.parametrize(
    ("events", "cause", "is_inferred"),
    [
        ([(29, "pedalPressed", "user_disable"), (31, "canError", "immediate_disable")],
         "system_immediate", False),
        ([(31.1, "canError", "immediate_disable")], "unknown", False),
        ([(25, "parkBrake", "user_disable")], "driver_park", False),
        ([(24.9, "parkBrake", "user_disable")], "unknown", False),
        ([(30, "pedalPressed", "user_disable")], "driver_brake", True),
        ([(30, "pcmDisable", "user_disable"), (30, "manualRestart", "user_disable")],
         "driver_other", False),
        ([(30, "pcmDisable", "user_disable")], "car_cruise", False),
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
    tables = tables_of("E" * 55 + "SSSS" + "E" + "m" * 30)
    tables["car_event"] = [event(10, name, "soft_disable")]

    (row,) = compute(tables)["disengagements"]

    assert (row["cause"], row["cause_event"]) == (cause, name)


@pytest.mark.parametrize(
    ("signal", "cause"),
    [("brake_pressed", "driver_brake"), ("gas_pressed", "driver_gas")],
)
def test_without_events_the_pedals_tell(signal, cause):
    tables = tables_of("E" * 30 + "m" * 30, **{signal: " " * 28 + "xxxx"})

    (row,) = compute(tables)["disengagements"]

    assert (row["cause"], row["is_inferred"]) == (cause, True)


def test_interventions_are_overrides_and_counted_disengagements_of_the_driver():
    tables = tables_of("E" * 30 + "m" * 30, steering_pressed="  xxx")
    tables["car_event"] = [event(30, "buttonCancel", "user_disable")]

    rows = compute(tables)["interventions"]

    assert [(row["kind"], row["time_s"]) for row in rows] == [
        ("lateral_override", 0.2),
        ("disengagement", 3.0),
    ]


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
