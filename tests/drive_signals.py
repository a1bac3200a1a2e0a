"""What happens in a random drive: phases of engagement, sample times, pulses, speeds."""

from __future__ import annotations

import struct
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

T = TypeVar("T")

GRID_NS = 10_000_000
TENTH_NS = 100_000_000
SECOND_NS = 1_000_000_000

PERIODS_NS = (50_000_000, TENTH_NS, TENTH_NS, TENTH_NS, 150_000_000, 200_000_000)
LENGTHS_S = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 1.0, 1.9, 2.0, 2.1, 3.0, 3.0, 5.0, 5.0, 8.0, 12.0)
GAPS_S = (0.5, 0.99, 1.0, 1.0, 1.01, 1.5, 3.0, 7.0)
SPEEDS_MPS = (-0.5, 0.0, 0.5, 1.0, 1.01, 8.0, 15.29, 15.3, 15.31, 20.0, 24.99, 25.0, 25.01, 33.0)

# enabled, active and state of each phase
PHASES: dict[str, tuple[bool, bool, str | None]] = {
    "manual": (False, False, "disabled"),
    "pre_enabled": (True, False, "preEnabled"),
    "engaged": (True, True, "enabled"),
    "soft": (True, True, "softDisabling"),
    "overriding": (True, True, "overriding"),
    "lateral_only": (False, False, "disabled"),
    "paused": (False, False, "disabled"),
    "odd": (False, True, None),
}
NEXT = {
    "manual": ("engaged", "engaged", "engaged", "pre_enabled", "lateral_only"),
    "pre_enabled": ("engaged", "engaged", "manual"),
    "engaged": (
        "manual",
        "manual",
        "manual",
        "soft",
        "overriding",
        "lateral_only",
        "lateral_only",
        "pre_enabled",
    ),
    "soft": ("manual", "manual", "engaged"),
    "overriding": ("engaged", "manual"),
    "lateral_only": ("manual", "engaged", "odd", "paused", "paused", "pre_enabled"),
    "paused": ("lateral_only", "lateral_only", "manual", "engaged"),
    "odd": ("manual", "engaged"),
}
# In drives of those who have openpilot steer and little else.
STEERING_NEXT = NEXT | {
    "manual": ("lateral_only",),
    "engaged": ("lateral_only", "lateral_only", "manual"),
    "lateral_only": ("manual", "manual", "paused", "engaged", "pre_enabled"),
}

# Where things happen around an end: inside the windows, on their borders, and just outside.
OFFSETS_S = (-0.51, -0.5, -0.5, -0.3, -0.1, 0.0, 0.0, 0.1, 0.1, 0.11, 0.3, 0.5, 0.5, 0.51)
SOFT_OFFSETS_S = (-5.01, -5.0, -3.0, -1.0, -0.1, 0.1, 0.11)
FIX_AGES_S = (0.0, -0.1, 1.99, 2.0, 2.01)
STARTED_S = (0.0, 0.1, 0.5)
AFTER_END_S = (-0.1, 0.0, 1.0, 1.9, 2.0, 2.0, 2.01)

STORIES = ("event", "event", "event", "event", "soft", "pulse", "pulse", "cruise", "button", "end")
NAMED = 8  # the last ones of userDisable, of which each stands for itself
EVENTS = {
    "immediate_disable": (
        "canError", "controlsMismatch", "pcmDisable", "cruiseDisabled", "cruiseDisabled",
        "speedTooLow", "accFaulted", "driverDistracted3",
    ),
    "soft_disable": (
        "overheat", "calibrationInvalid", "doorOpen", "wrongGear", "driverUnresponsive",
    ),
    "user_disable": (
        "pedalPressed", "pedalPressed", "pedalPressed", "steeringDisengage", "steerDisengage",
        "pcmDisable", "pcmDisable", "cruiseDisabled", "cruiseDisabled", "buttonEnable",
        "manualRestart", "buttonCancel", "wrongCarMode", "parkBrake", "brakeHold", "reverseGear",
        "doorOpen", "wrongGear",
    ),
    "enable": ("buttonEnable", "pcmEnable"),
    "harmless": ("pedalPressed", "steerSaturated", "laneChange"),
    "warning": (
        "pedalPressed", "steerSaturated", "laneChange", "fcw", "stockAeb", "accFaulted", "canError",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Steps(Generic[T]):
    """A value that changes at moments (ns); before the first one it has the first value."""

    starts_ns: list[int]
    values: list[T]

    def at(self, mono_ns: int) -> T:
        return self.values[max(bisect_right(self.starts_ns, mono_ns) - 1, 0)]


@dataclass
class Pulses:
    """When something is on: [start, end) in ns."""

    spans: list[tuple[int, int]]

    def at(self, mono_ns: int) -> bool:
        return any(start <= mono_ns < end for start, end in self.spans)

    def add(self, start_ns: int, length_s: float) -> None:
        self.spans.append((start_ns, start_ns + seconds(length_s)))


def seconds(value_s: float) -> int:
    """Seconds as ns, exact on the grid."""
    return round(value_s * 1000) * 1_000_000


def float32(value: float) -> float:
    """The value as a FLOAT column keeps it."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def steady_times(start_ns: int, end_ns: int) -> list[int]:
    """Sample times without any disorder: what happens then takes whole tenths of a second."""
    return list(range(start_ns, end_ns + 1, TENTH_NS))


def random_times(rng: Random, start_ns: int, end_ns: int) -> list[int]:
    """Sample times of one source: a steady rate with jitter, gaps and doubles."""
    period_ns = rng.choice(PERIODS_NS)
    jitter_steps = rng.choice((0, 0, 1, 2))
    grain_ns = rng.choice((GRID_NS, GRID_NS, GRID_NS, GRID_NS + 1))
    gap_odds = rng.choice((0.0, 0.005, 0.02))
    double_odds = rng.choice((0.0, 0.0, 0.03))
    times = []
    time_ns = start_ns + rng.choice((0, 0, period_ns // 2))
    while time_ns <= end_ns:
        times.append(time_ns)
        if rng.random() < double_odds:
            times.append(time_ns)
        if rng.random() < gap_odds:
            time_ns += seconds(rng.choice(GAPS_S))
        else:
            time_ns += period_ns + rng.randint(-jitter_steps, jitter_steps) * grain_ns
    return times


def random_phases(rng: Random, start_ns: int, end_ns: int) -> Steps[str]:
    """Engagement states that follow each other, of lengths around the thresholds."""
    starts_ns, values = [], []
    follows = STEERING_NEXT if rng.random() < 0.3 else NEXT
    phase = rng.choice(("manual", "manual", "engaged", "lateral_only"))
    while start_ns <= end_ns:
        starts_ns.append(start_ns)
        values.append(phase)
        start_ns += seconds(rng.choice(LENGTHS_S)) + rng.choice((0, 0, 0, GRID_NS, -GRID_NS))
        phase = rng.choice(follows[phase])
    return Steps(starts_ns, values)


def random_pulses(rng: Random, start_ns: int, end_ns: int, odds: float) -> Pulses:
    """Presses of lengths and distances around the override thresholds."""
    pulses = Pulses([])
    if rng.random() >= odds:
        return pulses
    while start_ns < end_ns:
        start_ns += seconds(rng.choice((0.1, 0.2, 0.5, 0.9, 1.0, 1.1, 1.9, 2.0, 2.1, 3.0, 9.0)))
        length_s = rng.choice((0.1, 0.2, 0.3, 0.3, 0.4, 0.5, 1.0, 1.4, 1.5, 1.6, 2.0))
        pulses.add(start_ns, length_s)
        start_ns += seconds(length_s)
    return pulses


def random_speeds(rng: Random, times_ns: Sequence[int]) -> list[float | None]:
    """A speed per sample: held, ramped, negative, on a band's border, or null."""
    null_odds = rng.choice((0.0, 0.0, 0.02))
    speeds: list[float | None] = []
    speed, ramp = rng.choice(SPEEDS_MPS), 0.0
    for _ in times_ns:
        if rng.random() < 0.08:
            ramp = rng.choice((0.0, 0.0, 0.3, -0.3))
            speed = rng.choice(SPEEDS_MPS)
        speed += ramp
        speeds.append(None if rng.random() < null_odds else float32(speed))
    return speeds
