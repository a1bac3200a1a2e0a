"""The devices, cars and openpilot versions of the simulation, and the drives they make."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from engagement.simulate.scenario import (
    GRID_S,
    SEGMENT_S,
    Car,
    Cause,
    Device,
    Drive,
    Engagement,
    Era,
    Interval,
    Override,
)

if TYPE_CHECKING:
    from engagement.simulate.scenario import Axis, Layout, Traffic

NEO = Device("4d3c2b1a09f8e7d6", "neo", 48.1372, 11.5756, route_seed=11)
TICI = Device("7f0e1d2c3b4a5968", "tici", 52.5200, 13.4050, route_seed=12)
TIZI = Device("a1b2c3d4e5f60718", "tizi", 50.9375, 6.9603, route_seed=13)
MICI = Device("0c1d2e3f4a5b6c7d", "mici", 53.5511, 9.9937, route_seed=14)

COROLLA = Car("toyota", "TOYOTA COROLLA TSS2 2019", openpilot_longitudinal=True, pcm_cruise=True)
I30 = Car(
    "hyundai",
    "HYUNDAI_I30_N_LINE_2019_DCT",
    openpilot_longitudinal=False,
    pcm_cruise=True,
    has_demo_can=True,
)
CIVIC = Car("honda", "HONDA_CIVIC_BOSCH", openpilot_longitudinal=True, pcm_cruise=False)

_COMMA = "https://github.com/commaai/openpilot.git"

V066 = Era(
    "0.6.6", "release2", _COMMA, "8f22f52235c48eada586795ac57edb22688e4d08", codec="bz2",
    state_service="controlsState", events_service="carEvents", panda_service="pandaState",
    gps_service="gpsLocationExternal", has_date_names=True, has_sentinel=False,
    has_lat_active=False, has_override_events=False, has_torque_parameters=False,
)  # fmt: skip
V083 = Era(
    "0.8.3", "release3-staging", _COMMA, "1bf4e5d1a4ad3e3e4b4c0d4c2f0b6f0d27a1d3c5", codec="bz2",
    state_service="controlsState", events_service="carEvents", panda_service="pandaState",
    gps_service="gpsLocationExternal", has_date_names=True, has_lat_active=False,
    has_override_events=False, has_torque_parameters=False,
)  # fmt: skip
V094 = Era(
    "0.9.4", "release3", _COMMA, "fa310d9e2542cf497d92f007baec8fd751ffa99c", codec="bz2",
    state_service="controlsState", events_service="carEvents", panda_service="pandaStates",
    gps_service="gpsLocation", has_date_names=True, lateral_error_mps2=0.18,
)  # fmt: skip
V097 = Era(
    "0.9.7", "release3", _COMMA, "a6d9c3a1b2c45d60f7e8091a2b3c4d5e6f708192", codec="none",
    state_service="controlsState", events_service="carEvents", panda_service="pandaStates",
    gps_service="gpsLocationExternal", has_date_names=False, lateral_error_mps2=0.15,
)  # fmt: skip
V099 = Era(
    "0.9.9", "release-tizi", _COMMA, "c085b8af19438956c1559c8bf1a1d4e0e2c3b4a5", codec="zst",
    state_service="selfdriveState", events_service="onroadEvents", panda_service="pandaStates",
    gps_service="gpsLocationExternal", has_date_names=False, lateral_error_mps2=0.12,
)  # fmt: skip
SUNNYPILOT = Era(
    "2025.002.000", "release-mici", "https://github.com/sunnypilot/sunnypilot.git",
    "5e2d7c9b0a1f4e3d8c6b5a4938271605f4e3d2c1", codec="zst",
    state_service="selfdriveState", events_service="onroadEvents", panda_service="pandaStates",
    gps_service="gpsLocationExternal", has_date_names=False, has_mads=True,
    lateral_error_mps2=0.1,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Plan:
    device: Device
    car: Car
    era: Era
    first_day: datetime
    traffic: tuple[tuple[float, Traffic], ...]
    causes: tuple[Cause, ...]
    has_clock_jump: bool = False
    qlog_segments: frozenset[int] = frozenset()
    missing_segments: frozenset[int] = frozenset()
    layout: Layout = "folders"


_CITY_THEN_ROAD: tuple[tuple[float, Traffic], ...] = ((0, "urban"), (80, "road"))
_COMMUTE: tuple[tuple[float, Traffic], ...] = ((0, "urban"), (60, "road"), (130, "highway"))
_COUNTRY: tuple[tuple[float, Traffic], ...] = ((0, "road"), (120, "highway"))

_FLEET = (
    _Plan(
        NEO, COROLLA, V066, datetime(2019, 11, 14, 7, 12, 5, tzinfo=UTC), _CITY_THEN_ROAD,
        (Cause.BRAKE, Cause.GAS, Cause.CANCEL, Cause.PARK), qlog_segments=frozenset({2}),
    ),
    _Plan(
        TICI, COROLLA, V083, datetime(2021, 4, 9, 16, 40, 31, tzinfo=UTC), _COMMUTE,
        (Cause.BRAKE, Cause.CAN_ERROR, Cause.CANCEL, Cause.GAS, Cause.LOG_END),
    ),
    _Plan(
        TICI, COROLLA, V094, datetime(2023, 8, 22, 15, 3, 48, tzinfo=UTC), _COMMUTE,
        (Cause.BRAKE, Cause.COMM_ISSUE, Cause.CAR_CRUISE, Cause.MAIN, Cause.PARK),
        missing_segments=frozenset({3}),
    ),
    _Plan(
        TIZI, I30, V097, datetime(2024, 6, 18, 6, 55, 12, tzinfo=UTC), _COMMUTE,
        (Cause.BRAKE, Cause.SEATBELT, Cause.CANCEL, Cause.BRAKE, Cause.PARK),
    ),
    _Plan(
        TIZI, I30, V099, datetime(2025, 7, 2, 5, 48, 20, tzinfo=UTC), _COMMUTE,
        (Cause.BRAKE, Cause.STEER, Cause.CAN_ERROR, Cause.LOG_END),
    ),
    _Plan(
        TIZI, I30, V099, datetime(2025, 7, 2, 16, 21, 44, tzinfo=UTC), _COMMUTE,
        (Cause.BRAKE, Cause.COMM_ISSUE, Cause.CANCEL, Cause.BRAKE, Cause.PARK),
        has_clock_jump=True,
    ),
    _Plan(
        MICI, CIVIC, SUNNYPILOT, datetime(2025, 12, 5, 8, 30, 9, tzinfo=UTC), _COUNTRY,
        (Cause.BRAKE, Cause.CANCEL, Cause.BRAKE, Cause.MAIN, Cause.PARK), layout="flat",
    ),
    _Plan(
        MICI, CIVIC, SUNNYPILOT, datetime(2025, 12, 6, 17, 2, 57, tzinfo=UTC), _COUNTRY,
        (Cause.STEER, Cause.BRAKE, Cause.CAN_ERROR, Cause.LOG_END), qlog_segments=frozenset({1}),
    ),
)  # fmt: skip


def plan_drives(drives: int, *, seed: int = 1) -> list[Drive]:
    """Plan `drives` drives of the fleet; beyond its eight, on the days that follow."""
    return [
        _plan_drive(_FLEET[number % len(_FLEET)], number, np.random.default_rng([seed, number]))
        for number in range(drives)
    ]


def _plan_drive(plan: _Plan, number: int, rng: np.random.Generator) -> Drive:
    engagements, duration_s = _engagements(plan, rng)
    started_at = plan.first_day + timedelta(days=3 * (number // len(_FLEET)))
    bookmark_s = _on_grid(rng.uniform(20, duration_s - 20))
    brakes = [e.end_s for e in engagements if e.cause is Cause.BRAKE]
    return Drive(
        device=plan.device,
        car=plan.car,
        era=plan.era,
        name=_name(plan.era, started_at, number, rng),
        started_at=started_at,
        boot_s=round(float(rng.uniform(40, 900)), 3),
        duration_s=duration_s,
        traffic=plan.traffic,
        engagements=engagements,
        overrides=_overrides(plan.era, engagements, rng),
        lateral_only=_lateral_only(engagements) if plan.era.has_mads else (),
        bookmarks_s=(bookmark_s,) if plan.era.has_override_events else (),
        close_calls_s=tuple(brakes[-1:]),
        clock_jump_s=40.0 if plan.has_clock_jump else None,
        qlog_segments=plan.qlog_segments,
        missing_segments=plan.missing_segments,
        layout=plan.layout,
        parks=engagements[-1].cause is Cause.PARK,
        params={"ExperimentalMode": str(number % 2), "IsMetric": "1"},
        seed=int(rng.integers(2**31)),
    )


def _name(era: Era, started_at: datetime, number: int, rng: np.random.Generator) -> str:
    """A route name as the era writes it: the device's local time, or a counter and 10 hex digits.

    Two drives of the fleet share a device and a version, so the counter is the drive's number.
    """
    if era.has_date_names:
        return (started_at + timedelta(hours=1)).strftime("%Y-%m-%d--%H-%M-%S")
    return f"{0x40 + number:08x}--{int(rng.integers(16**10)):010x}"


def _on_grid(seconds: float) -> float:
    return round(round(seconds / GRID_S) * GRID_S, 2)


def _engagements(plan: _Plan, rng: np.random.Generator) -> tuple[tuple[Engagement, ...], float]:
    """The plan's engagements one after the other, and the duration of the drive.

    The first is always at about the same place of the device's route, so that places recur.
    """
    played: list[Engagement] = []
    cursor_s = 10.0
    for index, cause in enumerate(plan.causes):
        length_s = 45.0 + rng.uniform(-1, 1) if not index else rng.uniform(28, 50)
        start_s, end_s = _on_grid(cursor_s), _on_grid(cursor_s + length_s)
        waits = not index and not plan.car.pcm_cruise
        played.append(Engagement(start_s, end_s, cause, pre_enabled_s=1.0 if waits else 0.0))
        cursor_s = end_s + rng.uniform(9, 14)
    last = played[-1]
    if last.cause is Cause.LOG_END:
        return tuple(played), last.end_s
    return tuple(played), _on_grid(last.end_s + (6.0 if last.cause is Cause.PARK else 15.0))


def _overrides(
    era: Era, engagements: tuple[Engagement, ...], rng: np.random.Generator
) -> tuple[Override, ...]:
    found: list[Override] = []
    for engagement in engagements:
        axes: list[tuple[Axis, float, float]] = [("lateral", 6.0, 0.7), ("longitudinal", 13.0, 0.4)]
        for axis, after_s, probability in axes:
            happens = rng.random() < probability
            start_s = _on_grid(engagement.start_s + after_s + rng.uniform(0, 3))
            end_s = _on_grid(start_s + rng.uniform(0.8, 2.6))
            if happens and (axis == "lateral" or era.has_override_events):
                found.append(Override(axis, start_s, end_s))
    return tuple(found)


def _lateral_only(engagements: tuple[Engagement, ...]) -> tuple[Interval, ...]:
    """Steering stays on between engagements, but for a moment at both ends."""
    return tuple(
        Interval(_on_grid(before.end_s + 2), _on_grid(after.start_s - 2))
        for before, after in pairwise(engagements)
    )


def one_segment_drive(*, seed: int = 1) -> Drive:
    """A drive of one whole segment, with an override and a disengagement; for benchmarks."""
    plan = _Plan(
        TIZI, I30, V099, datetime(2025, 7, 2, 5, 48, 20, tzinfo=UTC), _COUNTRY, (Cause.BRAKE,)
    )
    drive = _plan_drive(plan, 0, np.random.default_rng(seed))
    return replace(
        drive,
        duration_s=float(SEGMENT_S),
        engagements=(Engagement(5.0, 50.0, Cause.BRAKE),),
        overrides=(Override("lateral", 20.0, 22.0),),
        bookmarks_s=(30.0,),
        close_calls_s=(),
    )
