"""The tuning views against brute force over random drives, pure sines and simulated logs."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from engagement.simulate import BUSY, plan_drives, truth_of, write_drive
from engagement.simulate.steering import ERROR_PERIOD_S
from engagement.simulate.world import make_world, within
from engagement.store import results
from tests.computing import rows
from tests.oracles import tuning as oracle
from tests.store.stores import Store
from tests.tuning_drives import SECOND_NS, SERVICES, insert, random_drive, split, wave_drive

N_DRIVES = 22
LIMITS = oracle.Limits()
PARAMETERS = {
    "max_gap_s": 0.25,
    "tuning_min_speed_mps": 9.0,
    "city_max_mps": 12.0,
    "road_max_mps": 20.0,
    "saturation_min_torque": 0.6,
}
OTHER_LIMITS = oracle.Limits(SECOND_NS // 4, *list(PARAMETERS.values())[1:])


def computed(connection, drives):
    """The public rows by drive and speed band, without the columns that say which it is."""
    results.refresh(connection, [drive.drive_id for drive in drives])
    found = {}
    for row in rows(connection, "select * exclude (dongle_id, drive) from tuning"):
        found[row.pop("drive_id"), row.pop("speed_band")] = row
    return found


def expected(connection, drive, limits=LIMITS):
    where = f"drive_id = {drive.drive_id}"
    intervals = [
        (row["start_mono_ns"], row["end_mono_ns"])
        for row in rows(connection, f"from state_intervals where {where} and lateral_active")
    ]

    def read(kind, table, *columns):
        listed = ", ".join(("mono_ns", "segment_num", "message_num", *columns))
        found = connection.sql(f"select {listed} from log.{table} where {where}").fetchall()
        return [kind(*row) for row in found]

    return oracle.tuning(
        read(oracle.Car, "car_state", "v_ego_mps", "steering_angle_deg", "steering_pressed"),
        read(oracle.Curvature, "controls_state", "desired_curvature_per_m", "curvature_per_m"),
        read(oracle.Command, "car_control", "torque"),
        intervals,
        drive.control_type,
        limits=limits,
    )


def assert_same(found, wanted):
    assert found.keys() == wanted.keys()
    for key, row in wanted.items():
        for name, value in row.items():
            if value is None or found[key][name] is None:
                assert found[key][name] is value, (key, name, found[key][name], value)
            else:
                assert found[key][name] == pytest.approx(value, rel=1e-8, abs=1e-12), (key, name)


@pytest.fixture
def drives(connection):
    rng = np.random.default_rng(7)
    made = [random_drive(rng, drive_id) for drive_id in range(1, N_DRIVES + 1)]
    insert(connection, made)
    return made


def test_random_drives_have_the_numbers_of_brute_force(connection, drives):
    assert_varied(assert_as_by_brute_force(connection, drives, LIMITS))
    for name, value in PARAMETERS.items():
        connection.execute("update store.parameter set value = ? where name = ?", [value, name])
    assert_as_by_brute_force(connection, drives, OTHER_LIMITS)


def assert_as_by_brute_force(connection, drives, limits):
    found = computed(connection, drives)
    wanted = {
        (drive.drive_id, band): row
        for drive in drives
        for band, row in expected(connection, drive, limits).items()
    }
    assert_same(found, wanted)
    return list(wanted.values())


def assert_varied(found):
    """The drives reach every number, and every reason for there being none."""
    for name in found[0]:
        values = [row[name] for row in found]
        assert len({value for value in values if value is not None}) > 2, name
        assert name == "measured_s" or None in values, name


def test_splitting_the_segments_elsewhere_changes_nothing(connection, drives):
    whole = [drive for drive in drives if is_whole(drive)]
    assert len(whole) > 10
    before = computed(connection, whole)
    rng = np.random.default_rng(8)
    for drive in whole:
        start_ns = min(int(table["mono_ns"][0]) for table in drive.tables.values())
        split(rng, drive.tables, start_ns)
    for table in (*SERVICES, "segment", "drive", "car_params"):
        connection.execute(f"delete from log.{table}")
    insert(connection, whole)
    assert_same(computed(connection, whole), before)


def is_whole(drive):
    numbers = np.unique(np.concatenate([t["segment_num"] for t in drive.tables.values()]))
    return len(numbers) == numbers[-1] + 1


def sine(amplitude_deg, frequency_hz, phase):
    return lambda t: 3 - 0.4 * t + amplitude_deg * np.sin(2 * np.pi * frequency_hz * t + phase)


def test_a_pure_sine_within_the_band_keeps_its_rms_and_one_outside_is_gone(connection):
    waves = [
        (rate_hz, frequency_hz, amplitude_deg, phase)
        for rate_hz in (100, 20)
        for frequency_hz in (0.03, 0.1, 0.5, 0.62, 1.0, 1.333, 1.75, 2.2, 2.8, 3.3, 4.5, 7.0)
        for amplitude_deg, phase in ((0.5, 0.3), (8.0, 2.0))
    ]
    drives = [
        wave_drive(number, rate_hz, sine(amplitude_deg, frequency_hz, phase))
        for number, (rate_hz, frequency_hz, amplitude_deg, phase) in enumerate(waves, start=1)
    ]
    insert(connection, drives)
    found = computed(connection, drives)
    for number, (rate_hz, frequency_hz, amplitude_deg, _) in enumerate(waves, start=1):
        row = found[number, "road"]
        rms_deg = row["oscillation_rms_deg"] * math.sqrt(2) / amplitude_deg
        if 0.4 < frequency_hz < 2.9:
            assert rms_deg == pytest.approx(1, rel=0.01), (rate_hz, frequency_hz)
        else:
            assert rms_deg < 0.03, (rate_hz, frequency_hz)
        assert row["oscillation_s"] == 60.0
        assert row["sign_flips_per_s"] is None


def test_what_is_logged_in_one_speed_band_is_true_zero_in_another(connection):
    drive = wave_drive(1, 100, sine(1.0, 1.0, 0.0))
    car = drive.tables["car_state"]
    is_slow = car["mono_ns"] < 30 * SECOND_NS
    car["v_ego_mps"] = np.where(is_slow, 10.0, 20.0)
    place = {name: car[name] for name in ("mono_ns", "message_num", "segment_num")}
    no, zero = np.zeros(len(is_slow), dtype=bool), np.zeros(len(is_slow))
    drive.tables["car_control"] = place | {"enabled": ~no, "torque": zero + is_slow}
    curves = {"curvature_per_m": zero + 0.001 * is_slow}
    curves["desired_curvature_per_m"] = zero + 0.002 * is_slow
    drive.tables["controls_state"] = place | {"enabled": no, "active": no} | curves
    insert(connection, [drive])
    found = computed(connection, [drive])
    names = ("lateral_error_mean_mps2", "saturated_fraction", "sign_flips_per_s")
    assert [found[1, "city"][name] for name in names] == pytest.approx([0.1, 1.0, 0.0])
    assert [found[1, "road"][name] for name in names] == [0.0, 0.0, 0.0]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A database of three simulated drives: one misses a segment, one has a qlog."""
    found = Store(tmp_path_factory.mktemp("tuning"))
    plans = plan_drives(8, calm=BUSY)
    drives = [plans[number] for number in (2, 5, 7)]
    for drive in drives:
        assert list(write_drive(found.logs, drive))
    found.ingest()
    return found, drives


def test_simulated_drives_have_the_numbers_of_their_plan(simulated):
    store, drives = simulated
    for drive in drives:
        found = {
            row["speed_band"]: row
            for row in store.rows(f"from tuning where drive = '{drive.name}'")
        }
        world = make_world(drive, 20)
        band = np.array([LIMITS.band(speed_mps) for speed_mps in world.speed_mps])
        measured = world.lateral_active & ~world.steering_pressed & (world.speed_mps >= 5)
        for number in drive.missing_segments:
            measured[number * 60 * 20 : (number + 1) * 60 * 20] = False
        phase = 2 * math.pi * world.time_s / ERROR_PERIOD_S
        error_mps2 = np.abs(truth_of(drive).lateral_error_mps2 * np.sin(phase))
        assert found.keys() == set(band[measured])
        for name, row in found.items():
            chosen = measured & (band == name)
            assert row["measured_s"] == pytest.approx(chosen.sum() / 20, abs=0.4)
            assert row["lateral_error_s"] == pytest.approx(row["measured_s"], abs=0.4)
            mean_mps2, p95_mps2 = error_mps2[chosen].mean(), np.percentile(error_mps2[chosen], 95)
            assert row["lateral_error_mean_mps2"] == pytest.approx(mean_mps2, abs=0.003)
            assert row["lateral_error_p95_mps2"] == pytest.approx(p95_mps2, abs=0.006)
            assert row["oscillation_s"] is None or row["oscillation_rms_deg"] < 0.1
        saturated_s = sum(row["saturated_fraction"] * row["command_s"] for row in found.values())
        limits = [(limit.start_s, limit.end_s) for limit in truth_of(drive).saturated]
        inside = within(world.time_s, limits) & measured
        assert saturated_s == pytest.approx(inside.sum() / 20, abs=0.3)
        assert saturated_s > 3


def test_a_qlog_gives_errors_but_no_oscillations(tmp_path):
    plan = plan_drives(5, calm=BUSY)[4]
    found = ingested(tmp_path, replace(plan, qlog_segments=frozenset(range(plan.n_segments))))
    errors = [(row["lateral_error_mean_mps2"], row["lateral_error_s"]) for row in found]
    assert oracle.weighted_mean(errors) == pytest.approx(0.12 * 2 / math.pi, rel=0.05)
    for row in found:
        assert row["saturated_fraction"] is not None
        assert row["oscillation_rms_deg"] is row["oscillation_s"] is None
        assert row["sign_flips_per_s"] is row["sign_flips_s"] is None


def test_without_a_desired_curvature_there_is_no_error(tmp_path):
    plan = plan_drives(5, calm=BUSY)[4]
    found = ingested(tmp_path, replace(plan, era=replace(plan.era, lateral_error_mps2=None)))
    for row in found:
        assert row["lateral_error_mean_mps2"] is row["lateral_error_p95_mps2"] is None
        assert row["saturated_fraction"] is not None


def ingested(folder, drive):
    """The tuning of a bit more than a simulated minute."""
    store = Store(folder)
    assert list(write_drive(store.logs, replace(drive, duration_s=70.0)))
    store.ingest()
    found = store.rows("from tuning")
    assert sum(row["measured_s"] for row in found) > 30
    return found


def test_learned_parameters_are_those_at_the_drives_ends(simulated):
    store, drives = simulated
    for drive in drives:
        row = store.row(f"from learned_parameters where drive = '{drive.name}'")
        last_s = math.ceil(drive.duration_s) - 1
        assert row["first_steer_ratio"] == pytest.approx(15.2, abs=1e-5)
        assert row["last_steer_ratio"] == pytest.approx(
            15.2 + 0.05 * math.sin(last_s / 40), abs=1e-5
        )
        assert row["first_angle_offset_average_deg"] == pytest.approx(0.3)
        assert row["last_stiffness_factor"] == pytest.approx(1.02)
        last_s = math.ceil(drive.duration_s / 4) * 4 - 4
        assert row["last_lat_accel_factor"] == pytest.approx(
            1.9 + 0.02 * math.sin(last_s / 60), abs=1e-5
        )
        assert row["first_lat_accel_offset"] == pytest.approx(-0.04)
        assert row["last_friction_coefficient"] == pytest.approx(0.11)
