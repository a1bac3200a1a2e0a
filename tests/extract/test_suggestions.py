from __future__ import annotations

import math

import numpy as np
import pytest

from engagement.extract.can_decoding import CanFrames
from engagement.extract.frames import DbcSignal
from engagement.extract.profiles import Transform
from engagement.extract.references import COLUMNS, FLAGS, VALUES, Reference
from engagement.extract.signal_specs import BitField, SignalSpec
from engagement.extract.suggested_profile import profile_entries
from engagement.extract.suggestions import BUTTONS, ODOMETER, Suggester

RATE_HZ = 50
START_NS = 10**12


def make_signals(names):
    """Signals of 8 bytes each, float64: one message a signal."""
    return [
        DbcSignal(
            f"M{number}", name, "", "",
            SignalSpec(
                f"M{number}.{name}", 0, False, number, None, 8,  # noqa: FBT003
                BitField(0, 64, is_float=True),
            ),
        )
        for number, name in enumerate(names)
    ]  # fmt: skip


def make_frames(mono_ns, columns, *, bus=0):
    """Frames of float64 values, those of each time together."""
    columns = list(columns)
    n_times, n_columns = len(mono_ns), len(columns)
    buffer = np.stack(columns, axis=1).astype("<f8").reshape(-1)
    rows = np.arange(n_times * n_columns)
    return CanFrames(
        message_num=(rows // n_columns).astype(np.int32),
        frame_num=(rows % n_columns).astype(np.int32),
        mono_ns=np.repeat(mono_ns, n_columns),
        address=np.tile(np.arange(n_columns, dtype=np.uint32), n_times),
        bus=np.full(len(rows), bus, dtype=np.uint8),
        start_byte=8 * rows,
        length_bytes=np.full(len(rows), 8, dtype=np.int32),
        buffer=buffer.view(np.uint8),
    )


class Drive:
    """A made-up drive: what carState says, and the moments at which buttons are pressed."""

    def __init__(self, seed, duration_s=240):
        rng = np.random.default_rng(seed)
        self.rng = rng
        self.time_s = np.arange(duration_s * RATE_HZ) / RATE_HZ
        self.mono_ns = START_NS + np.round(self.time_s * 1e9).astype(np.int64)
        speed = 15 + 9 * np.sin(self.time_s / rng.uniform(15, 30) + seed)
        speed += 4 * np.sin(self.time_s / rng.uniform(4, 8))
        self.speed_mps = np.maximum(speed, 0)
        self.distance_km = np.cumsum(self.speed_mps) / RATE_HZ / 1000
        self.torque = self.smooth_noise(0.5) * 80
        self.motor = self.smooth_noise(0.3) * 300
        self.flags = {name: self.smooth_noise(3) > 0.8 for name in FLAGS}
        presses_s = np.arange(10, duration_s - 10, 17) + rng.uniform(0, 5)
        self.press_s = [(start, start + 0.3) for start in presses_s]

    def smooth_noise(self, length_s):
        """Unit noise that keeps its sign for about so long."""
        width = int(length_s * RATE_HZ) + 1
        noise = np.convolve(self.rng.normal(size=len(self.time_s)), np.ones(width), "same")
        return noise / noise.std()

    def held(self, which=None):
        """1 while a button is pressed; only every so many-th press, from one on."""
        value = np.zeros(len(self.time_s))
        for number, (start_s, end_s) in enumerate(self.press_s):
            if which is None or number % 2 == which:
                value[(self.time_s >= start_s) & (self.time_s < end_s)] = 1
        return value

    def reference(self, rows=slice(None)):
        columns = {
            "distance": self.distance_km - self.distance_km[rows][0],
            "steering_driver_torque": self.torque,
            "steering_motor_torque": self.motor,
            "wheel_speed": self.speed_mps,
            **self.flags,
        }
        assert tuple(columns) == COLUMNS
        buttons = np.array([t for pair in self.press_s for t in pair]) * 1e9 + START_NS
        mono_ns = self.mono_ns[rows]
        inside = (buttons >= mono_ns[0]) & (buttons < mono_ns[-1] + 1e9 / RATE_HZ)
        table = np.array([column[rows].astype(float) for column in columns.values()])
        return Reference(mono_ns, table, buttons[inside].astype(np.int64))

    def late(self, column, lag_s):
        """What a sensor knew so much before carState did."""
        return np.roll(column, -round(lag_s * RATE_HZ))

    def decoys(self):
        """Signals as cars have them that follow nothing of it, or not quite."""
        n = len(self.time_s)
        return {
            "alive": np.arange(n) % 16.0,
            "checksum": self.rng.integers(0, 256, n).astype(float),
            "constant": np.full(n, 7.0),
            "clock": 5000 + np.floor(self.time_s),
            "trip_counter": np.floor(self.distance_km * 1e4) % 256,
            "noisy_torque": self.torque + 100 * self.smooth_noise(0.5),
            "temperature": 60 + np.floor(self.time_s / 40),
            "rpm": self.speed_mps * 40 + 500 * self.smooth_noise(2),
            "nan": np.full(n, math.nan),
            "wiper": (self.smooth_noise(2) > 1).astype(float),
        }

    def truths(self):
        """The signals that carState is made from: key, and column."""
        return {
            ODOMETER: np.floor((41_234.5 + self.distance_km / 1.02) * 10) / 10,
            "steering_driver_torque": self.late(self.torque, 0.04) / -100 + 0.25,
            "steering_motor_torque": self.motor / 25,
            "wheel_speed": np.round(self.speed_mps * 3.6, 1),
            BUTTONS: 2 * self.held(),
            **{name: column.astype(float) for name, column in self.flags.items()},
        }


def rank(signals, logs):
    suggester = Suggester(signals)
    for frames, reference in logs:
        suggester.add(frames, reference)
    return {ranking.key: ranking for ranking in suggester.rank()}


@pytest.mark.parametrize("seed", range(4))
def test_the_signal_that_carstate_is_made_from_comes_first_for_every_key(seed):
    drive = Drive(seed)
    columns = drive.decoys() | drive.truths()
    signals = make_signals(columns)

    got = rank(signals, [(make_frames(drive.mono_ns, columns.values()), drive.reference())])

    assert {key: each.candidates[0].signal.signal for key, each in got.items()} == {
        key: key for key in got
    }
    assert {*got} == {ODOMETER, BUTTONS, *VALUES, *FLAGS}
    for ranking in got.values():
        assert [each.signal.signal for each in ranking.best] == [ranking.key]
        scores = [round(each.score, 3) for each in ranking.candidates]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < each.score <= 1 for each in ranking.candidates)
        assert scores[0] > 0.9


def test_scale_offset_and_lag_are_those_that_were_put_in():
    drive = Drive(7)
    columns = drive.truths()
    got = rank(
        make_signals(columns), [(make_frames(drive.mono_ns, columns.values()), drive.reference())]
    )

    torque = got["steering_driver_torque"].best[0]
    assert torque.scale == pytest.approx(-100, rel=0.05)
    assert torque.offset == pytest.approx(25, abs=2)
    assert torque.lag_s == pytest.approx(0.05)
    assert got["wheel_speed"].best[0].scale == pytest.approx(1 / 3.6, rel=1e-3)
    assert got[ODOMETER].best[0].scale == 1.0  # 2 % are tyres: it counts km


@pytest.mark.parametrize(("unit_km", "scale"), [(1.609344, 1.609344), (0.001, 0.001), (0.05, 0.05)])
def test_an_odometer_in_another_unit_is_scaled_to_km(unit_km, scale):
    drive = Drive(3)
    columns = {"miles": np.floor(drive.distance_km / unit_km * 20) / 20 + 1e5}
    got = rank(
        make_signals(columns), [(make_frames(drive.mono_ns, columns.values()), drive.reference())]
    )
    assert got[ODOMETER].best[0].scale == pytest.approx(scale, rel=0.02)


def split(drive, columns, *cuts):
    """A drive as several logs, cut at these rows."""
    logs = []
    for rows in map(slice, (0, *cuts), (*cuts, None)):
        cut = [column[rows] for column in columns.values()]
        logs.append((make_frames(drive.mono_ns[rows], cut), drive.reference(rows)))
    return logs


@pytest.mark.parametrize("cuts", [(), (3000, 6000, 9000)])
@pytest.mark.parametrize("seed", range(3))
def test_decoys_alone_fit_nothing(seed, cuts):
    drive = Drive(seed)
    columns = drive.decoys()
    got = rank(make_signals(columns), split(drive, columns, *cuts))
    assert {key: each.best for key, each in got.items()} == dict.fromkeys(got, ())
    assert not profile_entries(got.values())
    named = {each.signal.signal for ranking in got.values() for each in ranking.candidates}
    assert not named & {"constant", "nan"}


def test_many_short_logs_are_a_long_way_together():
    drive = Drive(1)
    drive.distance_km = drive.distance_km / 10
    drive.speed_mps = drive.speed_mps / 10
    columns = {"metres": np.floor(drive.distance_km * 1000)}
    got = rank(make_signals(columns), split(drive, columns, *range(500, 12000, 500)))
    assert got[ODOMETER].best[0].scale == pytest.approx(0.001)


def test_a_car_that_stands_and_buttons_that_rest_are_said():
    drive = Drive(5)
    still = drive.reference()
    still.columns[:] = 1.0
    still.columns[0] = 0.0
    columns = drive.truths()
    reference = Reference(still.mono_ns, still.columns, still.button_ns[:0])
    got = rank(make_signals(columns), [(make_frames(drive.mono_ns, columns.values()), reference)])
    assert all(ranking.problem for ranking in got.values())
    assert "no more than 0.0 km" in got[ODOMETER].problem
    assert "does not change" in got["gas_pressed"].problem
    assert all(not ranking.candidates and not ranking.best for ranking in got.values())


def test_without_logs_nothing_can_be_said():
    assert all(ranking.problem for ranking in rank(make_signals(["a"]), []).values())


def test_buttons_that_are_signals_of_their_own_come_together():
    drive = Drive(2)
    columns = {
        "noise": (drive.smooth_noise(1) > 1).astype(float),
        "resume": drive.held(0),
        "set": drive.held(1),
        "copy_of_set": drive.held(1),
    }
    got = rank(
        make_signals(columns), [(make_frames(drive.mono_ns, columns.values()), drive.reference())]
    )
    assert len(got[BUTTONS].best) == 2
    names = {each.signal.signal for each in got[BUTTONS].best}
    assert "resume" in names
    assert names & {"set", "copy_of_set"}
    entries = profile_entries(got.values())[BUTTONS]
    assert {entry.signal for entry in entries} == names


def test_a_drive_in_several_logs_is_judged_as_in_one():
    drive = Drive(9)
    columns = drive.decoys() | drive.truths()
    signals = make_signals(columns)
    whole = rank(signals, [(make_frames(drive.mono_ns, columns.values()), drive.reference())])
    logs = split(drive, columns, 3000, 3500)
    parts = rank(signals, logs)
    for key, ranking in whole.items():
        assert parts[key].best[0].signal == ranking.best[0].signal
        assert parts[key].best[0].score == pytest.approx(ranking.best[0].score, abs=0.02)


def test_what_the_car_drives_in_a_missing_log_does_not_count_against_its_odometer():
    drive = Drive(9)
    columns = drive.decoys() | drive.truths()
    logs = []
    for rows in (slice(0, 4000), slice(9000, None)):
        cut = [column[rows] for column in columns.values()]
        logs.append((make_frames(drive.mono_ns[rows], cut), drive.reference(rows)))
    best = rank(make_signals(columns), logs)[ODOMETER].best[0]
    assert best.signal.signal == ODOMETER
    assert best.score > 0.9


@pytest.mark.parametrize("step_km", [0.1, 0.25, 0.5])
def test_an_odometer_with_coarse_steps_scores_by_how_many_there_are(step_km):
    drive = Drive(6)
    columns = {"odometer": np.floor(drive.distance_km / step_km) * step_km}
    best = rank(make_signals(columns), split(drive, columns))[ODOMETER].best[0]
    n_steps = int(drive.distance_km[-1] / step_km)
    assert best.score == pytest.approx(n_steps / (n_steps + 1), abs=0.01)


def test_what_falls_again_and_again_is_no_odometer():
    drive = Drive(6)
    columns = {"position": drive.distance_km + drive.rng.normal(0, 0.01, len(drive.time_s))}
    got = rank(make_signals(columns), split(drive, columns))[ODOMETER]
    assert not got.candidates


def test_a_flag_that_is_up_when_it_should_be_down_is_no_candidate():
    drive = Drive(6)
    columns = {"released": 1.0 - drive.flags["gas_pressed"]}
    assert not rank(make_signals(columns), split(drive, columns))["gas_pressed"].candidates


def test_a_flag_is_judged_by_whether_the_signal_is_not_0_as_a_profile_reads_it():
    drive = Drive(6)
    left, right = drive.flags["left_blinker"], drive.flags["right_blinker"]
    columns = {
        "pedal": drive.flags["gas_pressed"] * drive.rng.uniform(0.5, 100, len(drive.time_s)),
        "one_or_two": 1.0 + drive.flags["brake_pressed"],
        "left": 7.0 * left,
        "direction": np.where(left, 1.0, 2.0 * right),
    }
    got = rank(make_signals(columns), split(drive, columns))
    pedal, blinker = got["gas_pressed"].best[0], got["left_blinker"].best[0]
    assert (pedal.signal.signal, pedal.scale, pedal.offset) == ("pedal", 1.0, 0.0)
    assert pedal.score > 0.95
    assert not got["brake_pressed"].best
    assert blinker.signal.signal == "left"
    assert got["right_blinker"].candidates[0].score < 0.9


def test_what_openpilot_sends_is_no_candidate():
    drive = Drive(1)
    columns = drive.truths()
    frames = make_frames(drive.mono_ns, columns.values(), bus=128)
    got = rank(make_signals(columns), [(frames, drive.reference())])
    assert not any(ranking.candidates for ranking in got.values())


def test_a_profile_takes_the_sign_of_a_torque_km_and_the_speeds_of_the_wheels():
    drive = Drive(4)
    kph = drive.speed_mps * 3.6
    columns = {
        "TORQUE": drive.torque / -50,
        "MILES": np.floor((20_000 + drive.distance_km / 1.609344) * 100) / 100,
        "WHEEL_FL": kph,
        "WHEEL_FR": kph,
        "WHEEL_RL": kph,
        "WHEEL_RR": kph,
        "SPEED": kph,
    }
    got = rank(
        make_signals(columns), [(make_frames(drive.mono_ns, columns.values()), drive.reference())]
    )
    entries = profile_entries(got.values())
    assert {
        key: [(each.signal, each.transform.scale) for each in found]
        for key, found in entries.items()
    } == {
        ODOMETER: [("MILES", 1.609344)],
        "steering_driver_torque": [("TORQUE", -1.0)],
        **{f"wheel_speed_{c}_kph": [(f"WHEEL_{c.upper()}", 1.0)] for c in ("fl", "fr", "rl", "rr")},
    }


def test_a_torque_keeps_carstates_zero_if_it_is_known():
    drive = Drive(4)
    columns = {"counted_from_512": np.round(drive.torque / -2) + 512, "motor": drive.motor * 2}
    entries = profile_entries(rank(make_signals(columns), split(drive, columns)).values())
    assert entries["steering_driver_torque"][0].transform == Transform(-1.0, 512.0)
    assert entries["steering_motor_torque"][0].transform == Transform(1.0, 0.0)
    noisy = {"noisy": drive.torque + 40 * drive.smooth_noise(0.5) + 512}
    entries = profile_entries(rank(make_signals(noisy), split(drive, noisy)).values())
    assert entries["steering_driver_torque"][0].transform == Transform(1.0, 0.0)


def test_a_speed_that_falls_when_the_car_gets_faster_is_none():
    drive = Drive(4)
    columns = {"time_per_metre": 300 - drive.speed_mps, "torque": -drive.torque}
    got = rank(make_signals(columns), split(drive, columns))
    assert not got["wheel_speed"].candidates
    assert got["steering_driver_torque"].best


@pytest.mark.parametrize(
    "names",
    [
        ("WHEEL_FL", "WHEEL_FR", "WHEEL_RL", "WHEEL_RR"),
        ("WHL_SpdFLVal", "WHL_SpdFRVal", "WHL_SpdRLVal", "WHL_SpdRRVal"),
        ("WhlFl_W_Meas", "WhlFr_W_Meas", "WhlRl_W_Meas", "WhlRr_W_Meas"),
        ("ESP_VL_Radgeschw", "ESP_VR_Radgeschw", "ESP_HL_Radgeschw", "ESP_HR_Radgeschw"),
    ],
)
def test_wheels_are_known_by_a_word_of_their_names(names):
    drive = Drive(8)
    kph = drive.speed_mps * 3.6
    # Follow as well, or well enough to fit, and are no wheels whatever letters they have.
    others = {
        "CURRENT_SPEED": kph,
        "FLOW": kph,
        "FrontRightSpd": kph,
        "FL_RPM": kph + 20 * drive.motor / 300,
    }
    columns = others | dict.fromkeys(names, kph)
    got = rank(make_signals(columns), split(drive, columns))
    found = {key: [each.signal for each in e] for key, e in profile_entries(got.values()).items()}
    corners = zip(("fl", "fr", "rl", "rr"), names, strict=True)
    assert found == {f"wheel_speed_{corner}_kph": [name] for corner, name in corners}
