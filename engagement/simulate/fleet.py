"""The devices, cars and openpilot versions of the simulation, and the drives they make."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from engagement.simulate.plans import Plan, Stretch, plan_drive
from engagement.simulate.scenario import (
    SEGMENT_S,
    Car,
    Cause,
    Device,
    Engagement,
    Era,
    Press,
    Signs,
)

if TYPE_CHECKING:
    from engagement.simulate.scenario import Drive, Traffic

NEO = Device("4d3c2b1a09f8e7d6", "neo", 48.1372, 11.5756, route_seed=11)
TICI = Device("7f0e1d2c3b4a5968", "tici", 52.5200, 13.4050, route_seed=12)
TIZI = Device("a1b2c3d4e5f60718", "tizi", 50.9375, 6.9603, route_seed=13)
MICI = Device("0c1d2e3f4a5b6c7d", "mici", 53.5511, 9.9937, route_seed=14)

_PCM_DISABLE = (("pcmDisable", "userDisable"),)
_CRUISE_DISABLED = (("cruiseDisabled", "immediateDisable"),)

COROLLA = Car(
    "toyota",
    "TOYOTA COROLLA TSS2 2019",
    openpilot_longitudinal=True,
    pcm_cruise=True,
    cruise_off_events=_PCM_DISABLE,
)
I30 = Car(
    "hyundai",
    "HYUNDAI_I30_N_LINE_2019_DCT",
    openpilot_longitudinal=False,
    pcm_cruise=True,
    cruise_off_events=_PCM_DISABLE,
    has_demo_can=True,
)
CIVIC_2016 = Car(
    "honda",
    "HONDA CIVIC 2016 TOURING",
    openpilot_longitudinal=True,
    pcm_cruise=True,
    cruise_off_events=_CRUISE_DISABLED,
    min_enable_speed_mps=11.4,
)
CIVIC = Car("honda", "HONDA_CIVIC_BOSCH", openpilot_longitudinal=True, pcm_cruise=False)

_COMMA = "https://github.com/commaai/openpilot.git"

V066 = Era(
    "0.6.6", "release2", _COMMA, "8f22f52235c48eada586795ac57edb22688e4d08", codec="bz2",
    state_service="controlsState", events_service="carEvents", panda_service="pandaState",
    gps_service="gpsLocationExternal", has_date_names=True, year=2019,
    lane_change_services=("lateralPlan",), has_sentinel=False,
    has_lat_active=False, has_override_events=False, has_torque_parameters=False,
)  # fmt: skip
V083 = Era(
    "0.8.3", "release3-staging", _COMMA, "1bf4e5d1a4ad3e3e4b4c0d4c2f0b6f0d27a1d3c5", codec="bz2",
    state_service="controlsState", events_service="carEvents", panda_service="pandaState",
    gps_service="gpsLocationExternal", has_date_names=True, year=2021,
    lane_change_services=("lateralPlan",), has_lat_active=False,
    has_override_events=False, has_torque_parameters=False,
)  # fmt: skip
V094 = Era(
    "0.9.4", "release3", _COMMA, "fa310d9e2542cf497d92f007baec8fd751ffa99c", codec="bz2",
    state_service="controlsState", events_service="carEvents", panda_service="pandaStates",
    gps_service="gpsLocation", has_date_names=True, year=2023,
    lane_change_services=("lateralPlan",), lateral_error_mps2=0.18,
)  # fmt: skip
V097 = Era(
    "0.9.7", "release3", _COMMA, "a6d9c3a1b2c45d60f7e8091a2b3c4d5e6f708192", codec="none",
    state_service="controlsState", events_service="carEvents", panda_service="pandaStates",
    gps_service="gpsLocationExternal", has_date_names=False, year=2024,
    lane_change_services=("modelV2",), lateral_error_mps2=0.15,
)  # fmt: skip
V099 = Era(
    "0.9.9", "release-tizi", _COMMA, "c085b8af19438956c1559c8bf1a1d4e0e2c3b4a5", codec="zst",
    state_service="selfdriveState", events_service="onroadEvents", panda_service="pandaStates",
    gps_service="gpsLocationExternal", has_date_names=False, year=2025,
    lane_change_services=("modelV2", "drivingModelData"), lateral_error_mps2=0.12,
)  # fmt: skip
SUNNYPILOT = Era(
    "2025.002.000", "release-mici", "https://github.com/sunnypilot/sunnypilot.git",
    "5e2d7c9b0a1f4e3d8c6b5a4938271605f4e3d2c1", codec="zst",
    state_service="selfdriveState", events_service="onroadEvents", panda_service="pandaStates",
    gps_service="gpsLocationExternal", has_date_names=False, year=2025,
    lane_change_services=("modelV2", "drivingModelData"), has_mads=True,
    lateral_error_mps2=0.1,
)  # fmt: skip


FROGPILOT = Era(
    "0.9.9", "FrogPilot", "https://github.com/FrogAi/FrogPilot.git",
    "0d9c8b7a69584736251403f2e1d0cfbeadbc9a8f", codec="zst",
    state_service="selfdriveState", events_service="onroadEvents", panda_service="pandaStates",
    gps_service="gpsLocationExternal", has_date_names=False, year=2025,
    lane_change_services=("modelV2", "drivingModelData"), lateral_error_mps2=0.1,
)  # fmt: skip

BUSY = 0.12

_CITY_THEN_ROAD: tuple[tuple[float, Traffic], ...] = ((0, "urban"), (80, "road"), (200, "highway"))
_COMMUTE: tuple[tuple[float, Traffic], ...] = ((0, "urban"), (60, "road"), (130, "highway"))
_COUNTRY: tuple[tuple[float, Traffic], ...] = ((0, "road"), (120, "highway"))

_FLEET = (
    Plan(
        NEO, COROLLA, V066, datetime(2019, 11, 14, 7, 12, 5, tzinfo=UTC), _CITY_THEN_ROAD,
        (
            Stretch(Cause.CANCEL),
            Stretch(Cause.GAS, ("touches", "nudge", "nag")),
            Stretch(Cause.PARK, ("touches", "nudge")),
        ),
        calm_s=(50, 90), qlog_segments=frozenset({2}),
    ),
    Plan(
        TICI, CIVIC_2016, V083, datetime(2021, 4, 9, 16, 40, 31, tzinfo=UTC), _COMMUTE,
        (
            Stretch(Cause.CAR_CRUISE),
            Stretch(Cause.CAN_ERROR, ("touches", "nudge")),
            Stretch(Cause.BRAKE, ("nudge", "wheel")),
            Stretch(Cause.LOG_END, ("touches", "nag")),
        ),
        calm_s=(50, 90), close_calls=1,
    ),
    Plan(
        TICI, CIVIC_2016, V094, datetime(2023, 8, 22, 15, 3, 48, tzinfo=UTC), _COMMUTE,
        (
            Stretch(Cause.MAIN),
            Stretch(Cause.CAR_LIMIT, ("carried_in", "nudge", "gas")),
            Stretch(Cause.BRAKE, ("touches",), has_wheel_first=True),
            Stretch(Cause.COMM_ISSUE, ("nudge",)),
            Stretch(Cause.PARK, ("touches",)),
        ),
        calm_s=(50, 90), close_calls=1, missing_segments=frozenset({3}),
    ),
    Plan(
        TIZI, I30, V097, datetime(2024, 6, 18, 6, 55, 12, tzinfo=UTC), _COMMUTE,
        (
            Stretch(Cause.BRAKE),
            Stretch(Cause.SEATBELT, ("touches", "resume", "nudge")),
            Stretch(Cause.CANCEL, ("in_turns", "touches"), Signs.STALK),
            Stretch(Cause.PARK, ("nudge",)),
        ),
        calm_s=(55, 95),
    ),
    Plan(
        TIZI, I30, V099, datetime(2025, 7, 2, 5, 48, 20, tzinfo=UTC), _COMMUTE,
        (
            Stretch(Cause.BRAKE, signs=Signs.LATE),
            Stretch(Cause.CAN_ERROR, ("nudge", "touches", "nag")),
            Stretch(Cause.STEER, ("touches", "nudge")),
            Stretch(Cause.LOG_END, ("touches", "nudge")),
        ),
        calm_s=(55, 95), close_calls=1,
    ),
    Plan(
        TIZI, I30, V099, datetime(2025, 7, 2, 16, 21, 44, tzinfo=UTC), _COMMUTE,
        (
            Stretch(Cause.BRAKE),
            Stretch(Cause.CAR_CRUISE, ("carried_in", "nudge", "resume"), Signs.STANDING),
            Stretch(Cause.CANCEL, ("touches", "nudge"), Signs.SILENT),
            Stretch(Cause.PARK, ("touches", "nag")),
        ),
        calm_s=(55, 95), close_calls=1, has_clock_jump=True,
    ),
    Plan(
        MICI, CIVIC, SUNNYPILOT, datetime(2025, 12, 5, 8, 30, 9, tzinfo=UTC), _COUNTRY,
        (
            Stretch(Cause.BRAKE),
            Stretch(Cause.CANCEL, ("nudge", "touches")),
            Stretch(Cause.PARK, ("touches", "nudge")),
        ),
        calm_s=(45, 80), alone=(("wheel", "brake", "blinker"), ("halt", "wheel", "switch_off")),
        layout="flat",
    ),
    Plan(
        MICI, CIVIC, FROGPILOT, datetime(2025, 12, 6, 17, 2, 57, tzinfo=UTC), _COUNTRY,
        (
            Stretch(Cause.STEER),
            Stretch(Cause.BRAKE, ("touches", "nudge")),
            Stretch(Cause.INATTENTION, ("nudge",)),
            Stretch(Cause.LOG_END, ("touches",)),
        ),
        calm_s=(50, 90), alone=(None, ("wheel", "halt", "blinker")), close_calls=1,
        has_warning=True, qlog_segments=frozenset({1}),
    ),
)  # fmt: skip


def plan_drives(drives: int, *, seed: int = 1, calm: float = 1.0) -> list[Drive]:
    """Plan `drives` drives of the fleet; beyond its eight, on the days that follow.

    `calm` scales the time between acts: at BUSY a drive has the same acts in a third of the time,
    for tests that have no use for the rest.
    """
    planned = []
    for number in range(drives):
        repeats, index = divmod(number, len(_FLEET))
        least_s, most_s = _FLEET[index].calm_s
        plan = replace(_FLEET[index], calm_s=(least_s * calm, most_s * calm))
        rng = np.random.default_rng([seed, number])
        planned.append(plan_drive(plan, number, rng, repeats=repeats))
    return planned


def one_segment_drive(*, seed: int = 1) -> Drive:
    """A drive of one whole segment, with an override and a disengagement; for benchmarks."""
    [drive] = plan_drives(1, seed=seed)
    return replace(
        drive,
        device=TIZI,
        car=I30,
        era=V099,
        name="00000040--3674cc0b07",
        started_at=datetime(2025, 7, 2, 5, 48, 20, tzinfo=UTC),
        traffic=_COUNTRY,
        duration_s=float(SEGMENT_S),
        engagements=(Engagement(5.0, 50.0, Cause.BRAKE),),
        presses=(Press("lateral", 20.0, 22.0),),
        lane_changes=(),
        stops=(),
        bookmarks_s=(30.0,),
        qlog_segments=frozenset(),
        parks=False,
    )
