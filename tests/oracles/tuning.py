"""The numbers of lateral tuning by plain loops and numpy's FFT, for one drive.

Samples are tuples in any order; they begin with (mono_ns, segment_num, message_num).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np

SECOND_NS = 1_000_000_000
TENTH_NS = 100_000_000
BIN_NS = 50_000_000
WINDOW_BINS = 200


@dataclass(frozen=True)
class Limits:
    max_gap_ns: int = SECOND_NS
    min_speed_mps: float = 5.0
    city_max_mps: float = 15.3
    road_max_mps: float = 25.0
    saturation_min_torque: float = 0.99

    def band(self, speed_mps):
        if speed_mps < self.city_max_mps:
            return "city"
        return "road" if speed_mps < self.road_max_mps else "highway"


class Car(NamedTuple):
    mono_ns: int
    segment_num: int
    message_num: int
    speed_mps: float | None
    angle_deg: float | None
    is_pressed: bool | None


class Curvature(NamedTuple):
    mono_ns: int
    segment_num: int
    message_num: int
    desired_per_m: float | None
    actual_per_m: float | None


class Command(NamedTuple):
    mono_ns: int
    segment_num: int
    message_num: int
    torque: float | None


class Step(NamedTuple):
    start_ns: int
    end_ns: int
    speed_mps: float
    angle_deg: float | None


@dataclass
class Band:
    measured_ns: int = 0
    errors: list[tuple[float, int]] | None = None
    saturated: list[tuple[float, int]] | None = None
    powers: list[float] | None = None
    followed_ns: int = 0
    n_flips: int = 0


def tuning(cars, curvatures, commands, intervals, control_type, *, limits):
    """Each speed band's numbers; `intervals` are the (start, end) in which openpilot steers."""
    steps = measured_steps(cars, intervals, limits)
    bands = defaultdict(lambda: Band(errors=[], saturated=[], powers=[]))
    errors = {tenth: errors_of(found) for tenth, found in by_time(curvatures, TENTH_NS)}
    torques = {tenth: known(found) for tenth, found in by_time(commands, TENTH_NS)}
    is_logged = [False, False, False]
    for tenth, found in by_time(steps, TENTH_NS):
        weight_ns = sum(step.end_ns - step.start_ns for step in found)
        band = bands[limits.band(found[0].speed_mps)]
        band.measured_ns += weight_ns
        speed_mps = np.mean([step.speed_mps for step in found])
        if tenth in errors:
            misses, has_desired, has_actual = errors[tenth]
            is_logged[0] |= has_desired
            is_logged[1] |= has_actual
            if misses:
                band.errors.append((float(np.mean(misses) * speed_mps**2), weight_ns))
        if torques.get(tenth):
            is_logged[2] |= any(torques[tenth])
            full = [abs(torque) >= limits.saturation_min_torque for torque in torques[tenth]]
            band.saturated.append((float(np.mean(full)), weight_ns))
    has_angle = add_parts(bands, steps, commands, limits)
    has_command = is_logged[2] and control_type in (None, "torque")
    return {
        name: numbers(band, all(is_logged[:2]), has_command, has_angle)
        for name, band in bands.items()
    }


def numbers(band, has_error, has_command, has_angle):
    errors = band.errors if has_error else []
    saturated = band.saturated if has_command else []
    followed_ns = band.followed_ns if has_command else 0
    powers = band.powers if has_angle else []
    return {
        "measured_s": band.measured_ns / 1e9,
        "lateral_error_s": sum(ns for _, ns in errors) / 1e9 if errors else None,
        "lateral_error_mean_mps2": weighted_mean(errors),
        "lateral_error_p95_mps2": float(np.percentile([e for e, _ in errors], 95))
        if errors
        else None,
        "command_s": sum(ns for _, ns in saturated) / 1e9 if saturated else None,
        "saturated_fraction": weighted_mean(saturated),
        "oscillation_s": 10.0 * len(powers) if powers else None,
        "oscillation_rms_deg": float(np.sqrt(np.mean(powers))) if powers else None,
        "sign_flips_s": followed_ns / 1e9 if followed_ns else None,
        "sign_flips_per_s": band.n_flips / (followed_ns / 1e9) if followed_ns else None,
    }


def weighted_mean(pairs):
    values, weights = zip(*pairs, strict=True) if pairs else ((), ())
    return float(np.average(values, weights=weights)) if pairs else None


def measured_steps(cars, intervals, limits):
    steps = []
    for now, after in pairwise(sorted(cars, key=lambda car: car[:3])):
        is_known = (
            0 < after.mono_ns - now.mono_ns <= limits.max_gap_ns
            and after.segment_num - now.segment_num <= 1
        )
        is_fast = now.speed_mps is not None and now.speed_mps >= limits.min_speed_mps
        steers = any(start <= now.mono_ns < end for start, end in intervals)
        if is_known and is_fast and steers and not now.is_pressed:
            steps.append(Step(now.mono_ns, after.mono_ns, now.speed_mps, now.angle_deg))
    return steps


def by_time(samples, width_ns):
    """(number, samples) of each stretch of time that has any."""
    ordered = sorted(samples, key=lambda sample: sample[0])
    return [(key, list(found)) for key, found in groupby(ordered, lambda s: s[0] // width_ns)]


def errors_of(curvatures):
    both = [c for c in curvatures if c.desired_per_m is not None and c.actual_per_m is not None]
    return (
        [abs(c.desired_per_m - c.actual_per_m) for c in both],
        any(c.desired_per_m for c in curvatures),
        any(c.actual_per_m for c in curvatures),
    )


def known(commands):
    return [command.torque for command in commands if command.torque is not None]


def add_parts(bands, steps, commands, limits):
    """Add oscillations and sign changes; say if any angle is not 0."""
    torques = {number: known(found) for number, found in by_time(commands, BIN_NS)}
    near = [s for s in steps if s.end_ns - s.start_ns <= BIN_NS and s.angle_deg is not None]
    has_angle = False
    for run in runs_of(by_time(near, BIN_NS)):
        side = 0.0
        for first in range(0, len(run), WINDOW_BINS):
            part = run[first : first + WINDOW_BINS]
            band = bands[limits.band(part[0][1][0].speed_mps)]
            for number, found in part:
                if torques.get(number):
                    band.followed_ns += sum(step.end_ns - step.start_ns for step in found)
                    new_side = np.sign(sum(torques[number]))
                    band.n_flips += bool(side and new_side and side != new_side)
                    side = new_side or side
            angles = [float(np.mean([step.angle_deg for step in found])) for _, found in part]
            has_angle |= any(angles)
            if len(part) == WINDOW_BINS:
                n_samples = sum(len(found) for _, found in part)
                band.powers.append(band_power(angles, n_samples / WINDOW_BINS))
    return has_angle


def runs_of(bins):
    """Maximal runs of bins that are steps without a pause, from one bin to the next."""
    runs = []
    before = None
    for number, found in bins:
        if any(a.end_ns != b.start_ns for a, b in pairwise(found)):
            before = None
            continue
        if before != (number - 1, found[0].start_ns):
            runs.append([])
        runs[-1].append((number, found))
        before = number, found[-1].end_ns
    return runs


def band_power(angles_deg, samples_per_bin):
    """Mean square between 0.3 and 3 Hz of 10 s of means over 0.05 s."""
    moments = np.arange(len(angles_deg))
    level = np.asarray(angles_deg) - np.polyval(np.polyfit(moments, angles_deg, 1), moments)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * moments / len(moments))
    powers = np.abs(np.fft.rfft(level * hann)) ** 2 * 2 / len(moments) / np.sum(hann**2)
    frequencies_hz = np.fft.rfftfreq(len(moments), BIN_NS / 1e9)
    inside = (frequencies_hz > 0.29) & (frequencies_hz < 3.01)
    half_turns = np.pi * frequencies_hz[inside] * BIN_NS / 1e9
    gains = np.sin(half_turns) / samples_per_bin / np.sin(half_turns / samples_per_bin)
    return float(np.sum(powers[inside] / gains**2))
