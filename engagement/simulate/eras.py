"""How each era of openpilot logs a drive: from arrays of the world to messages.

Field by field, `EraWriter` says which service carries what in which era: where engaged stands, what
events are called, what did not exist yet. Services keep their order within a moment, as the
processes do: CAN, car, state, events, control.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np

from engagement.simulate.acts import Alert, alerts, buttons, events, mads_events
from engagement.simulate.can import can_messages
from engagement.simulate.qlogs import qlog_hz
from engagement.simulate.scenario import NAG_BEFORE_S
from engagement.simulate.steering import (
    LAT_ACCEL_FACTOR_MPS2,
    curvature_per_m,
    desired_curvature_per_m,
    torque_command,
)
from engagement.simulate.styles import is_experimental, personality
from engagement.simulate.world import MADS_DISABLED, MADS_PAUSED, within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from engagement.logs.template import Stamper
    from engagement.simulate.scenario import Drive
    from engagement.simulate.world import World

    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]

CAR_PARAMS_EVERY_S = 50
_PARK, _DRIVE = 1, 2
STALE_CLOCK_NS = 229 * 86_400 * 10**9  # how far a clock may be behind until the network sets it

# Milliseconds after the moment at which a service logs it.
_DELAY_MS = {
    "can": 0.0, "carState": 1.0, "radarState": 1.4, "longitudinalPlan": 1.6, "selfdriveState": 2.0,
    "selfdriveStateSP": 2.1, "carEvents": 2.3, "onroadEvents": 2.3, "onroadEventsSP": 2.3,
    "controlsState": 2.2, "carControl": 3.0, "modelV2": 4.0, "drivingModelData": 4.1,
}  # fmt: skip
_CRUISE, _LEAD0 = 0, 1
_STOPPING_MPS = 0.3
_SURE = {"leftProb": 0.93, "rightProb": 0.88}
_MODEL_BASES: dict[str, dict[str, Any]] = {
    "lateralPlan": {},
    "modelV2": {"meta": {}, "action": {}, "laneLineProbs": [0.4, 0.93, 0.88, 0.35]},
    "drivingModelData": {"meta": {}, "action": {}, "laneLineMeta": _SURE},
}
_EXPOSURE_NS = 20_000_000
_OTHER_DELAY_MS = 3.4


@dataclass(frozen=True, slots=True)
class Recording:
    """How often an rlog has things; the rates divide `rate_hz`.

    CAN that no DBC describes comes at `other_can_hz`. A filled log has the model's whole output.
    """

    rate_hz: int
    can_hz: int
    other_can_hz: int
    plan_hz: int
    gps_hz: int
    other_frames: int
    is_filled: bool = False


SMALL = Recording(rate_hz=20, can_hz=20, other_can_hz=1, plan_hz=5, gps_hz=5, other_frames=3)
DENSE = Recording(rate_hz=100, can_hz=1, other_can_hz=1, plan_hz=20, gps_hz=1, other_frames=1)
FULL = Recording(
    rate_hz=100, can_hz=100, other_can_hz=100, plan_hz=20, gps_hz=10, other_frames=19,
    is_filled=True,
)  # fmt: skip


class EraWriter:
    """Writes the messages of one stretch of a drive; `messages` are (time, bytes), unsorted."""

    def __init__(
        self,
        drive: Drive,
        world: World,
        recording: Recording,
        *,
        stamper: Stamper,
        first: int,
        is_qlog: bool = False,
    ) -> None:
        self._drive = drive
        self._world = world
        self._recording = recording
        self._stamper = stamper
        self._is_qlog = is_qlog
        self._sample = np.arange(len(world.time_s)) + first
        period_ns = 10**9 // recording.rate_hz
        self._moment_ns = drive.start_mono_ns + self._sample * period_ns
        self.mono_ns: list[int] = []
        self.messages: list[bytes] = []

    def write(self) -> None:
        """Write every service of the drive's era."""
        self._write_can()
        self._write_car_state()
        self._write_state()
        self._write_car_control()
        self._write_events()
        self._write_plan()
        self._write_lane_changes()
        self._write_gps()
        self._write_device()
        self._write_parameters()
        self._write_bookmarks()
        if self._drive.has_frames:
            self._write_frames()

    def _at(self, rate_hz: float) -> Bools:
        return np.asarray(self._sample % round(self._recording.rate_hz / rate_hz) == 0)

    def _steady(self, which: str, rate_hz: float) -> Bools:
        """The samples at which the file has a service that an rlog has at a steady rate.

        A qlog has every n-th of its messages; which of them differs by drive and service.
        """
        kept_hz = qlog_hz(which, self._drive.era.year) if self._is_qlog else None
        if kept_hz == 0:
            return np.zeros(len(self._sample), dtype=bool)
        stride = round(self._recording.rate_hz / rate_hz)
        every = max(1, round(rate_hz / kept_hz)) if kept_hz else 1
        turn = crc32(f"{self._drive.seed} {which}".encode()) % every
        return np.asarray(self._sample % (stride * every) == stride * turn)

    def _times(self, which: str, chosen: Bools) -> Ints:
        delay_ns = round(_DELAY_MS.get(which, _OTHER_DELAY_MS) * 1e6)
        return np.asarray(self._moment_ns[chosen] + delay_ns)

    def _add(
        self, which: str, chosen: Bools, base: Any, columns: Mapping[str, ArrayLike] | None = None
    ) -> None:
        """Log `which` at the chosen samples; columns have a value for every sample."""
        times = self._times(which, chosen)
        values = {name: np.asarray(column)[chosen] for name, column in (columns or {}).items()}
        self.mono_ns += times.tolist()
        self.messages += self._stamper.events(which, times, base, values)

    def _write_can(self) -> None:
        recording = self._recording
        can_hz = recording.can_hz if self._drive.car.has_demo_can else recording.other_can_hz
        chosen = np.flatnonzero(self._steady("can", can_hz))
        if not len(chosen):
            return
        stride = recording.rate_hz // can_hz
        times = self._moment_ns[chosen]
        self.mono_ns += times.tolist()
        self.messages += can_messages(
            self._stamper, self._drive, self._world.at(chosen), buttons(self._drive), mono_ns=times,
            first_sample=int(self._sample[chosen[0]]) // stride,
            others=self._recording.other_frames,
        )  # fmt: skip

    def _write_car_state(self) -> None:
        """Button edges are lists, so the samples that have one take a template of their own."""
        world, era = self._world, self._drive.era
        set_speed_kph = world.set_speed_mps * 3.6
        columns: dict[str, ArrayLike] = {
            "vEgo": world.speed_mps, "vEgoRaw": world.speed_mps, "aEgo": world.acceleration_mps2,
            "standstill": world.speed_mps < 0.1, "gasPressed": world.gas_pressed,
            "brakePressed": world.brake_pressed, "steeringPressed": world.steering_pressed,
            "steeringAngleDeg": world.steering_angle_deg,
            "steeringRateDeg": world.steering_rate_deg_per_s,
            "steeringTorque": world.driver_torque_nm * 100,
            "steeringTorqueEps": world.motor_torque_nm * 100,
            "leftBlinker": world.left_blinker, "rightBlinker": world.right_blinker,
            "seatbeltUnlatched": world.seatbelt_unlatched,
            "gearShifter": np.where(world.is_parked, _PARK, _DRIVE),
            "parkingBrake": world.is_parked,
            "cruiseState.enabled": world.cruise_enabled,
            "cruiseState.available": world.cruise_available,
            "cruiseState.standstill": world.cruise_enabled & (world.speed_mps < 0.1),
            "cruiseState.speed": world.set_speed_mps,
            **{f"wheelSpeeds.{wheel}": world.speed_mps for wheel in ("fl", "fr", "rl", "rr")},
        }  # fmt: skip
        if era.is_split:
            columns |= {"vCruise": set_speed_kph, "vCruiseCluster": set_speed_kph}
        base = {"canValid": True, "cruiseState": {}, "wheelSpeeds": {}}
        chosen = self._steady("carState", self._recording.rate_hz)
        for index, pressed in self._button_edges().items():
            if chosen[index]:
                chosen[index] = False
                self._add("carState", self._only(index), {**base, "buttonEvents": pressed}, columns)
        self._add("carState", chosen, base, columns)

    def _only(self, index: int) -> Bools:
        return np.asarray(np.arange(len(self._sample)) == index)

    def _button_edges(self) -> dict[int, list[dict[str, Any]]]:
        edges: dict[int, list[dict[str, Any]]] = {}
        for kind, start_s, end_s in buttons(self._drive):
            for time_s, is_press in ((start_s, True), (end_s, False)):
                index = round(time_s * self._recording.rate_hz) - int(self._sample[0])
                if 0 <= index < len(self._sample):
                    edges.setdefault(index, []).append({"type": kind, "pressed": is_press})
        return edges

    def _write_state(self) -> None:
        """The state, one template per alert; from 0.9.8 on controlsState holds none of it."""
        world, era = self._world, self._drive.era
        columns: dict[str, ArrayLike] = {
            "enabled": world.enabled, "active": world.active, "state": world.state,
            "engageable": np.ones(len(self._sample), dtype=bool),
        }  # fmt: skip
        curvatures: dict[str, ArrayLike] = {"curvature": curvature_per_m(world)}
        if era.lateral_error_mps2 is not None:
            curvatures["desiredCurvature"] = desired_curvature_per_m(self._drive, world)
        if era.is_split:
            columns |= {
                "personality": personality(self._drive, world.time_s),
                "experimentalMode": is_experimental(self._drive, world.time_s),
            }
        else:
            columns |= {"vCruise": world.set_speed_mps * 3.6, **curvatures}
        chosen = self._steady(era.state_service, self._recording.rate_hz)
        shown = [None, *alerts(self._drive)]
        on_screen = np.zeros(len(self._sample), dtype=int)
        for number, alert in enumerate(shown):
            if alert is not None:
                on_screen[within(world.time_s, [(alert.start_s, alert.end_s)])] = number
        for number in np.unique(on_screen[chosen]).tolist():
            base = _alert_fields(shown[number])
            self._add(era.state_service, chosen & (on_screen == number), base, columns)
        if era.is_split:
            split = self._steady("controlsState", self._recording.rate_hz)
            self._add("controlsState", split, {}, curvatures)
        if era.has_mads:
            self._write_mads()

    def _write_mads(self) -> None:
        state = self._world.mads_state
        mads = {
            "mads.enabled": state != MADS_DISABLED,
            "mads.active": (state != MADS_DISABLED) & (state != MADS_PAUSED),
            "mads.state": state,
        }
        chosen = self._steady("selfdriveStateSP", self._recording.rate_hz)
        self._add("selfdriveStateSP", chosen, {"mads": {"available": True}}, mads)
        for name, at_s in mads_events(self._drive, *self._span_s):
            listed = [{"name": name, "userDisable": True}] if name else []
            self._add_list("onroadEventsSP", [at_s], {"events": listed})

    def _write_car_control(self) -> None:
        world, era = self._world, self._drive.era
        columns: dict[str, ArrayLike] = {
            "enabled": world.enabled,
            "actuators.torque": torque_command(self._drive, world),
            "actuators.steeringAngleDeg": world.steering_angle_deg,
            "actuators.accel": np.where(world.longitudinal_active, world.acceleration_mps2, 0),
            "hudControl.setSpeed": world.set_speed_mps,
            "hudControl.leadVisible": world.has_lead,
        }
        if era.has_lat_active:
            columns["latActive"] = world.lateral_active
            columns["longActive"] = world.longitudinal_active
        else:
            columns["active"] = world.active
        base: Any = {"actuators": {}, "hudControl": {}, "cruiseControl": {}}
        chosen = self._steady("carControl", self._recording.rate_hz)
        self._add("carControl", chosen, base, columns)

    def _write_events(self) -> None:
        """The list whenever it changes, at that very moment, and once a second."""
        standing, service = events(self._drive), self._drive.era.events_service
        first_s, until_s = self._span_s
        edges = {e.start_s for e in standing} | {e.end_s for e in standing}
        moments = {round(edge_s, 3) for edge_s in edges if first_s <= edge_s < until_s}
        moments |= {float(second) for second in range(ceil(first_s), ceil(until_s))}
        times_s: dict[tuple[tuple[str, str], ...], list[float]] = defaultdict(list)
        for time_s in sorted(moments):
            listed = {(e.name_in(service), e.flag) for e in standing if e.stands_at(time_s)}
            times_s[tuple(sorted(listed))].append(time_s)
        for now, at_s in times_s.items():
            self._add_list(service, at_s, [{"name": name, flag: True} for name, flag in now])

    @property
    def _span_s(self) -> tuple[float, float]:
        """From when until before when this segment is, in seconds of the drive."""
        period_s = 1 / self._recording.rate_hz
        return self._sample[0] * period_s, (self._sample[-1] + 1) * period_s

    def _add_list(self, service: str, at_s: Sequence[float], content: Any) -> None:
        """Log one list of events at some seconds of the drive."""
        since_start_ns = np.round((np.array(at_s) + _DELAY_MS[service] / 1e3) * 1e9)
        times = self._drive.start_mono_ns + since_start_ns.astype(np.int64)
        self.mono_ns += times.tolist()
        self.messages += self._stamper.events(service, times, content, {})

    def _write_plan(self) -> None:
        """A lead that is tracked well sets its `fcw`, which is no warning; the plan's is one."""
        world, plan_hz = self._world, self._recording.plan_hz
        lead: dict[str, ArrayLike] = {
            "leadOne.dRel": world.lead_distance_m,
            "leadOne.vRel": world.lead_speed_mps - world.speed_mps,
            "leadOne.vLead": world.lead_speed_mps,
            "leadOne.modelProb": np.where(world.has_lead, 0.96, 0.05),
            "leadOne.status": world.has_lead,
            "leadOne.radar": world.has_lead,
            "leadOne.fcw": world.has_lead,
        }
        self._add("radarState", self._steady("radarState", plan_hz), {"leadOne": {}}, lead)
        warnings = [(warning.start_s, warning.end_s) for warning in self._drive.warnings]
        plan: dict[str, ArrayLike] = {
            "aTarget": world.acceleration_mps2,
            "hasLead": world.has_lead,
            "fcw": within(world.time_s, warnings),
            "longitudinalPlanSource": np.where(world.has_lead, _LEAD0, _CRUISE),
        }
        if self._drive.era.is_split:
            plan["shouldStop"] = world.speed_mps < _STOPPING_MPS
        self._add("longitudinalPlan", self._steady("longitudinalPlan", plan_hz), {}, plan)

    def _write_lane_changes(self) -> None:
        """A filled log has it with the model's output, which the filler writes."""
        state = self._world.lane_change_state
        direction = self._world.lane_change_direction
        for service in self._drive.era.lane_change_services:
            below = "" if service == "lateralPlan" else "meta."
            columns: dict[str, ArrayLike] = {
                f"{below}laneChangeState": state, f"{below}laneChangeDirection": direction,
            }  # fmt: skip
            base: Any = _MODEL_BASES[service]
            if "action" in base:
                wanted = desired_curvature_per_m(self._drive, self._world)
                columns |= {"action.desiredCurvature": wanted}
            if service != "modelV2" or not self._recording.is_filled or self._is_qlog:
                chosen = self._steady(service, self._recording.plan_hz)
                self._add(service, chosen, base, columns)

    def _write_gps(self) -> None:
        world, drive = self._world, self._drive
        rate_hz = 1 if drive.era.gps_service == "gpsLocation" else self._recording.gps_hz
        columns: dict[str, ArrayLike] = {
            "latitude": world.latitude, "longitude": world.longitude, "speed": world.speed_mps,
            "bearingDeg": world.bearing_deg,
            "unixTimestampMillis": (self._moment_ns + drive.boot_wall_ns) // 10**6,
        }  # fmt: skip
        base = {"flags": 1, "altitude": 120.0, "horizontalAccuracy": 2.5, "source": "ublox"}
        if not drive.era.has_date_names:
            base["hasFix"] = True
        chosen = self._steady(drive.era.gps_service, rate_hz)
        self._add(drive.era.gps_service, chosen, base, columns)

    def _write_device(self) -> None:
        world, drive = self._world, self._drive
        times_ns = self._times("clocks", np.ones(len(self._sample), dtype=bool))
        wall_ns = times_ns + drive.boot_wall_ns
        if drive.clock_jump_s is not None:
            wall_ns -= np.where(world.time_s < drive.clock_jump_s, STALE_CLOCK_NS, 0)
        self._add("clocks", self._at(1), {}, {"wallTimeNanos": wall_ns})
        started = {"started": world.has_ignition}
        base = {"freeSpacePercent": 71.0, "memoryUsagePercent": 38, "cpuTempC": [61.0, 62.5]}
        self._add("deviceState", self._at(2), base, started)
        for is_on in (True, False):
            panda = {"ignitionLine": is_on, "voltage": 13_800 if is_on else 12_400}
            content: Any = [panda] if drive.era.panda_service == "pandaStates" else panda
            chosen = self._at(2) & (world.has_ignition == is_on)
            self._add(drive.era.panda_service, chosen, content)
        if drive.era.has_sentinel:
            attention = {"faceDetected": True, "isActiveMode": True}
            nags = [e for e in events(drive) if e.name == "promptDriverUnresponsive"]
            away = within(world.time_s, [(e.start_s - NAG_BEFORE_S, e.end_s) for e in nags])
            seen = {"isDistracted": away, "awarenessStatus": np.where(away, 0.4, 1.0)}
            self._add("driverMonitoringState71", self._at(2), attention, seen)

    def _write_parameters(self) -> None:
        world = self._world
        base = {"valid": True, "stiffnessFactor": 1.02, "angleOffsetAverageDeg": 0.3}
        ratio = {"steerRatio": 15.2 + 0.05 * np.sin(world.time_s / 40)}
        self._add("liveParameters", self._at(1), base, ratio)
        if self._drive.era.has_torque_parameters:
            torque = {
                "latAccelFactorFiltered": LAT_ACCEL_FACTOR_MPS2 + 0.02 * np.sin(world.time_s / 60)
            }
            fixed = {
                "liveValid": True, "frictionCoefficientFiltered": 0.11, "useParams": True,
                "latAccelOffsetFiltered": -0.04,
            }  # fmt: skip
            self._add("liveTorqueParameters", self._at(0.25), fixed, torque)

    def _write_bookmarks(self) -> None:
        for time_s in self._drive.bookmarks_s:
            chosen = self._sample == round(time_s * self._recording.rate_hz)
            self._add("userBookmark", chosen, {})

    def _write_frames(self) -> None:
        """Tell when each frame of the segment's small video was seen: at a sample."""
        chosen = self._at(20)
        number = np.cumsum(chosen) - 1
        columns: dict[str, ArrayLike] = {
            "segmentId": number, "segmentIdEncode": number, "timestampSof": self._moment_ns,
            "timestampEof": self._moment_ns + _EXPOSURE_NS,
        }  # fmt: skip
        self._add("qRoadEncodeIdx", chosen, {"type": "qcameraH264"}, columns)


def _alert_fields(alert: Alert | None) -> dict[str, Any]:
    if alert is None:
        return {}
    texts = {"alertText1": alert.text1, "alertText2": alert.text2, "alertType": alert.kind}
    return {**texts, "alertStatus": alert.status, "alertSize": alert.size}
