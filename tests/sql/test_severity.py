"""How dangerous a moment was, by hand and by scipy, at a device's rates."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from scipy.signal import savgol_filter

from engagement.store import results
from tests import builders

PERIOD_NS = 10_000_000
END_NS = 40 * 10**9  # when the engagement ends
TIMES_NS = np.arange(30 * 10**9, 48 * 10**9, PERIOD_NS)
PER_SECOND = 10**9 // PERIOD_NS


def samples(table, times_ns, **columns):
    rows = zip(*columns.values(), strict=True)
    return {
        table: [
            {"drive_id": 1, "segment_num": 0, "message_num": number, "mono_ns": int(time_ns)}
            | dict(zip(columns, row, strict=True))
            for number, (time_ns, row) in enumerate(zip(times_ns, rows, strict=True))
        ]
    }


def drive(**car):
    """A drive that was engaged from 34 s to 40 s, at 20 m/s unless told otherwise."""
    active = ((TIMES_NS >= 34 * 10**9) & (TIMES_NS < END_NS)).tolist()
    count = len(TIMES_NS)
    motion = {
        "v_ego_mps": [20.0] * count,
        "a_ego_mps2": [0.0] * count,
        "steering_angle_deg": [0.0] * count,
        "left_blinker": [False] * count,
        "right_blinker": [False] * count,
        "stock_fcw": [False] * count,
        "stock_aeb": [False] * count,
    } | {name: np.asarray(values).tolist() for name, values in car.items()}
    one = builders.random_drive(Random(1), 1, is_whole=True)
    segment = one["segment"][0] | {"segment_num": 0, "status": "ok", "log_kind": "rlog"}
    return (
        {"drive": one["drive"], "segment": [segment]}
        | samples("controls_state", TIMES_NS, enabled=active, active=active)
        | samples("car_state", TIMES_NS, **motion)
    )


def lead_rows(times_s, distances_m, relative_speeds_mps):
    times_ns = (np.asarray(times_s) * 10**9).round().astype(np.int64)
    seen = [True] * len(times_ns)
    return samples(
        "lead", times_ns, is_present=seen, d_rel_m=distances_m, v_rel_mps=relative_speeds_mps
    )


@pytest.fixture
def event(store):
    """The one event of a drive, as the view has it."""

    def event(tables):
        store.execute("begin")
        builders.insert(store, tables)
        results.refresh(store, [1])
        found = store.sql("from events").to_arrow_table().to_pylist()
        store.execute("rollback")
        assert [row["kind"] for row in found] == ["disengagement"]
        assert found[0]["mono_ns"] == END_NS
        return found[0]

    return event


def test_peaks_are_those_of_a_savitzky_golay_filter(event):
    rng = np.random.default_rng(5)
    acceleration = np.cumsum(rng.normal(0, 0.05, len(TIMES_NS))).astype(np.float32)
    angle = np.cumsum(rng.normal(0, 0.4, len(TIMES_NS))).astype(np.float32)
    after = slice(10 * PER_SECOND, 15 * PER_SECOND + 1)

    def peak(values):
        slopes = savgol_filter(
            values.astype(float), 31, polyorder=2, deriv=1, delta=PERIOD_NS / 1e9
        )
        return np.abs(slopes[after]).max()

    found = event(drive(a_ego_mps2=acceleration, steering_angle_deg=angle))

    assert found["peak_jerk_mps3"] == pytest.approx(peak(acceleration), rel=1e-6)
    assert found["peak_steering_rate_deg_per_s"] == pytest.approx(peak(angle), rel=1e-6)
    assert found["peak_deceleration_mps2"] == pytest.approx(max(0, -acceleration[after].min()))


def test_a_ramp_of_braking_has_its_own_jerk(event):
    braking = np.clip((TIMES_NS - END_NS) / 1e9, 0, 2) * -1.25

    found = event(drive(a_ego_mps2=braking))

    assert found["peak_jerk_mps3"] == pytest.approx(1.25, rel=1e-5)
    assert found["peak_deceleration_mps2"] == pytest.approx(2.5)
    assert found["is_critical"] is False
    assert found["severity"] == pytest.approx(2.5 / 3)


def test_the_lead_gives_time_headway_and_deceleration_required(event):
    """30 m ahead and 10 m/s slower at the event, 50 m and as much 2 s before."""
    leads = lead_rows([35.0, 38.0, 39.95], [20.0, 50.0, 30.0], [-19.0, -10.0, -10.0])

    found = event(drive() | leads)

    assert found["lead_distance_m"] == pytest.approx(30)
    assert found["closing_speed_mps"] == pytest.approx(10)
    assert found["ttc_s"] == pytest.approx(3.0)
    assert found["thw_s"] == pytest.approx(1.5)
    assert found["drac_mps2"] == pytest.approx(100 / 60)
    assert found["min_ttc_s"] == pytest.approx(3.0)
    assert found["min_thw_s"] == pytest.approx(1.5)
    assert found["max_drac_mps2"] == pytest.approx(100 / 60)
    assert found["severity"] == pytest.approx(100 / 60 / 3)
    assert found["is_critical"] is False


@pytest.mark.parametrize(
    ("distance_m", "closing_mps", "is_critical"),
    [
        (30.0, 20.5, True),  # 1.46 s to the collision
        (15.5, 0.0, True),  # 0.775 s of headway
        (16.5, 0.0, False),
        (60.0, 19.5, True),  # 3.17 m/s2 to avoid it, with 3.1 s left
        (60.0, 18.5, False),
        (16.5, 0.4, False),  # too slow to speak of a time to collision
    ],
)
def test_each_measure_has_its_threshold(event, distance_m, closing_mps, is_critical):
    found = event(drive() | lead_rows([39.9], [distance_m], [-closing_mps]))

    assert found["is_critical"] is is_critical
    assert (found["severity"] > 1) is is_critical


@pytest.mark.parametrize("column", ["stock_fcw", "stock_aeb"])
def test_a_warning_is_critical_whatever_the_measures(event, column):
    shown = (TIMES_NS >= END_NS + 10**9) & (TIMES_NS < END_NS + 2 * 10**9)

    found = event(drive(**{column: shown}))

    assert found["has_fcw" if column == "stock_fcw" else "has_aeb"] is True
    assert found["is_critical"] is True
    assert found["severity"] == 0


def test_what_the_log_lacks_is_null_and_not_nought(event):
    found = event(drive(stock_fcw=[None] * len(TIMES_NS), stock_aeb=[None] * len(TIMES_NS)))

    nulls = (
        "lead_distance_m", "ttc_s", "thw_s", "drac_mps2", "min_ttc_s", "min_thw_s",
        "max_drac_mps2", "has_fcw", "has_aeb", "peak_lateral_acceleration_mps2",
        "time_to_input_s", "time_to_reengage_s", "latitude",
    )  # fmt: skip
    assert [found[name] for name in nulls] == [None] * len(nulls)


@pytest.mark.parametrize(
    ("car", "is_planned"),
    [
        ({}, False),
        ({"left_blinker": (TIMES_NS > END_NS - 3 * 10**9) & (TIMES_NS < END_NS - 10**9)}, True),
        ({"left_blinker": TIMES_NS > END_NS}, False),
        ({"v_ego_mps": np.full(len(TIMES_NS), 1.9)}, True),
        ({"gas_pressed": TIMES_NS >= END_NS, "a_ego_mps2": np.full(len(TIMES_NS), 0.5)}, True),
        ({"gas_pressed": TIMES_NS >= END_NS, "a_ego_mps2": np.full(len(TIMES_NS), -0.5)}, False),
    ],
)
def test_planned_is_a_blinker_before_standstill_or_speeding_up(event, car, is_planned):
    assert event(drive(**car))["is_planned"] is is_planned
