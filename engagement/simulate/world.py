"""How the car of a drive moves, and what its driver and openpilot do, sample by sample.

The speed follows the traffic through limits of acceleration and jerk. The road is a curvature per
metre that belongs to the device, so drives that set out alike pass the same places.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from engagement.simulate.scenario import SOFT_DISABLE_S, Cause

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from engagement.simulate.scenario import Drive

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

WHEELBASE_M = 2.7
STEER_RATIO = 15.0
_STEP_S = 0.05
_TINY_S = 1e-6
_EARTH_RADIUS_M = 6_371_000.0
_TRAFFIC_MPS = {"urban": 12.0, "road": 21.0, "highway": 31.0}
_PARKING_S = 16.0

DISABLED, PRE_ENABLED, ENABLED, SOFT_DISABLING, OVERRIDING = range(5)  # openpilot's state


@dataclass(frozen=True, slots=True)
class World:
    """Arrays of one value per sample; `time_s` counts from the drive's start."""

    time_s: Floats
    speed_mps: Floats
    acceleration_mps2: Floats
    distance_m: Floats
    latitude: Floats
    longitude: Floats
    bearing_deg: Floats
    steering_angle_deg: Floats
    steering_rate_deg_per_s: Floats
    driver_torque_nm: Floats
    motor_torque_nm: Floats
    lead_distance_m: Floats
    lead_speed_mps: Floats
    has_lead: Bools
    brake_pressed: Bools
    gas_pressed: Bools
    steering_pressed: Bools
    left_blinker: Bools
    seatbelt_unlatched: Bools
    is_parked: Bools
    has_ignition: Bools
    cruise_enabled: Bools
    cruise_available: Bools
    set_speed_mps: Floats
    enabled: Bools
    active: Bools
    state: Ints
    lateral_active: Bools
    longitudinal_active: Bools
    is_lateral_only: Bools

    def cut(self, start: int, stop: int) -> World:
        """The samples [start, stop)."""
        return World(**{f.name: getattr(self, f.name)[start:stop] for f in fields(self)})

    def every(self, stride: int) -> World:
        """Every `stride`-th sample, from the first."""
        return World(**{f.name: getattr(self, f.name)[::stride] for f in fields(self)})


def within(time_s: Floats, intervals: Iterable[tuple[float, float]]) -> Bools:
    """Which samples lie in any of the half-open intervals."""
    inside = np.zeros(len(time_s), dtype=bool)
    for start_s, end_s in intervals:
        first, last = np.searchsorted(time_s, [start_s - _TINY_S, end_s - _TINY_S])
        inside[first:last] = True
    return inside


def make_world(drive: Drive, rate_hz: int) -> World:
    """The whole drive at `rate_hz` samples a second."""
    time_s = np.arange(round(drive.duration_s * rate_hz)) / rate_hz
    rng = np.random.default_rng(drive.seed)
    motion = _motion(drive, time_s)
    states = _states(drive, time_s, motion["speed_mps"])
    manual = _manual(drive, time_s)
    pedals = _pedals(drive, time_s, manual, motion["acceleration_mps2"])
    steering = _steering(time_s, motion, states, pedals["steering_pressed"], rng)
    parked = _parked_from(drive)
    return World(
        time_s=time_s,
        **motion,
        **states,
        **pedals,
        **steering,
        **_lead(drive, time_s, motion["speed_mps"]),
        **_cruise(drive, time_s, states["enabled"], motion["speed_mps"]),
        left_blinker=manual & (np.sin(time_s / 7) > 0.8),
        seatbelt_unlatched=within(
            time_s,
            [(e - SOFT_DISABLE_S, e + 6) for e in _ends(drive, Cause.SEATBELT)],
        ),
        is_parked=time_s >= parked - _TINY_S,
        has_ignition=time_s < (drive.duration_s - 1 if drive.parks else np.inf),
    )


def _ends(drive: Drive, *causes: Cause) -> list[float]:
    return [e.end_s for e in drive.engagements if e.cause in causes]


def _parked_from(drive: Drive) -> float:
    return drive.engagements[-1].end_s if drive.parks and drive.engagements else np.inf


def _manual(drive: Drive, time_s: Floats) -> Bools:
    """Driving by hand, well away from where an engagement begins or ends."""
    busy = [(e.start_s - e.pre_enabled_s - 2, e.end_s + 3) for e in drive.engagements]
    return ~within(time_s, busy)


def _motion(drive: Drive, time_s: Floats) -> dict[str, Any]:
    steps_s = np.arange(0, drive.duration_s + _STEP_S, _STEP_S)
    speed = _follow(_target_speed(drive, steps_s), steps_s)
    distance = np.concatenate([[0.0], np.cumsum((speed[1:] + speed[:-1]) / 2 * _STEP_S)])
    curvature = _curvature(drive.device.route_seed, distance)
    heading = np.cumsum(curvature * speed * _STEP_S)
    east, north = (np.cumsum(f(heading) * speed * _STEP_S) for f in (np.sin, np.cos))
    to_degrees = 180 / np.pi / _EARTH_RADIUS_M
    home = drive.device.home_latitude
    angle = np.degrees(curvature * WHEELBASE_M * STEER_RATIO)

    def sampled(values: Floats) -> Floats:
        return np.interp(time_s, steps_s, values)

    return {
        "speed_mps": sampled(speed),
        "acceleration_mps2": sampled(np.gradient(speed, _STEP_S)),
        "distance_m": sampled(distance),
        "latitude": home + sampled(north) * to_degrees,
        "longitude": drive.device.home_longitude
        + sampled(east) * to_degrees / np.cos(np.radians(home)),
        "bearing_deg": np.degrees(sampled(heading)) % 360,
        "steering_angle_deg": sampled(angle),
    }


def _target_speed(drive: Drive, steps_s: Floats) -> Floats:
    """What the traffic and the driver's acts ask for, before the car's inertia."""
    target = np.zeros(len(steps_s))
    for start_s, kind in drive.traffic:
        target[steps_s >= start_s] = _TRAFFIC_MPS[kind]
    phase = drive.device.route_seed
    target += 1.2 * np.sin(steps_s / 9 + phase) + 0.6 * np.sin(steps_s / 3.1 + 2 * phase)
    is_urban = target < 15
    target[is_urban & (steps_s % 37 > 29)] = 0.0
    braked = within(steps_s, [(e, e + 3) for e in _ends(drive, Cause.BRAKE)])
    pushed = [(o.start_s, o.end_s) for o in drive.overrides if o.axis == "longitudinal"]
    target += np.where(braked, -9.0, 0.0) + np.where(within(steps_s, pushed), 4.0, 0.0)
    target[steps_s > _parked_from(drive) - _PARKING_S] = 0.0
    return np.maximum(target, 0.0)


def _follow(target: Floats, steps_s: Floats) -> Floats:
    speed = np.zeros(len(steps_s))
    now = wanted = acceleration = 0.0
    for index, wanted in enumerate(target.tolist()):
        asked = min(1.8, max(-3.4, (wanted - now) / 1.4))
        acceleration += (asked - acceleration) * _STEP_S / 0.3
        now = max(0.0, now + acceleration * _STEP_S)
        if now < 0.05 and not wanted:
            now = acceleration = 0.0
        speed[index] = now
    return speed


def _curvature(route_seed: int, distance_m: Floats) -> Floats:
    rng = np.random.default_rng(route_seed)
    lengths = rng.uniform(60, 700, size=5)
    phases = rng.uniform(0, 2 * np.pi, size=5)
    waves = np.sin(distance_m[:, None] / lengths + phases)
    return np.asarray(waves @ rng.uniform(0.0002, 0.0016, size=5))


def _states(drive: Drive, time_s: Floats, speed_mps: Floats) -> dict[str, Any]:
    active = within(time_s, [(e.start_s, e.end_s) for e in drive.engagements])
    waiting = within(time_s, [(e.start_s - e.pre_enabled_s, e.start_s) for e in drive.engagements])
    soft_ends = [e.end_s for e in drive.engagements if e.cause.is_soft]
    overriding = _overriding(drive, time_s, "lateral", "longitudinal")
    state = np.where(active, ENABLED, DISABLED)
    state[waiting] = PRE_ENABLED
    if drive.era.has_override_events:
        state[active & overriding] = OVERRIDING
    state[within(time_s, [(end - SOFT_DISABLE_S, end) for end in soft_ends])] = SOFT_DISABLING
    pushing = _overriding(drive, time_s, "longitudinal")
    lateral_only = within(time_s, [(i.start_s, i.end_s) for i in drive.lateral_only])
    return {
        "enabled": active | waiting,
        "active": active,
        "state": state,
        "lateral_active": active & (speed_mps > 0.3) | lateral_only,
        "longitudinal_active": active & ~pushing & drive.car.openpilot_longitudinal,
        "is_lateral_only": lateral_only,
    }


def _overriding(drive: Drive, time_s: Floats, *axes: str) -> Bools:
    return within(time_s, [(o.start_s, o.end_s) for o in drive.overrides if o.axis in axes])


def _pedals(
    drive: Drive, time_s: Floats, manual: Bools, acceleration_mps2: Floats
) -> dict[str, Any]:
    brake = within(time_s, [(e - 0.05, e + 2.5) for e in _ends(drive, Cause.BRAKE)])
    gas = within(time_s, [(e - 0.05, e + 2.0) for e in _ends(drive, Cause.GAS)])
    steer = within(time_s, [(e - 0.15, e + 1.0) for e in _ends(drive, Cause.STEER)])
    return {
        "brake_pressed": brake | (manual & (acceleration_mps2 < -0.8)),
        "gas_pressed": gas
        | _overriding(drive, time_s, "longitudinal")
        | (manual & (acceleration_mps2 > 0.5)),
        "steering_pressed": steer
        | _overriding(drive, time_s, "lateral")
        | (manual & (np.sin(time_s / 2.3) > 0.5)),
    }


def _steering(
    time_s: Floats,
    motion: dict[str, Any],
    states: dict[str, Any],
    pressed: Bools,
    rng: np.random.Generator,
) -> dict[str, Any]:
    road_angle = motion.pop("steering_angle_deg")
    angle = road_angle + np.where(pressed, 6.0 * np.sin(time_s * 1.5), 0.0)
    motor = np.where(states["lateral_active"], np.clip(road_angle / 40, -0.5, 0.5), 0.0)
    motor -= np.where(pressed & states["lateral_active"], 0.4, 0.0)
    driver = rng.normal(0, 0.04, size=len(time_s)) + np.where(pressed, 2.6, 0.0)
    return {
        "steering_angle_deg": angle,
        "steering_rate_deg_per_s": np.gradient(angle, time_s),
        "driver_torque_nm": driver,
        "motor_torque_nm": motor,
    }


def _lead(drive: Drive, time_s: Floats, speed_mps: Floats) -> dict[str, Any]:
    """A car ahead at 1.6 s most of the time; at each close call it comes within 7 m."""
    distance = 5 + speed_mps * (1.6 + 0.3 * np.sin(time_s / 11))
    close = np.zeros(len(time_s), dtype=bool)
    for call_s in drive.close_calls_s:
        away_s = np.abs(time_s - call_s)
        distance = np.minimum(distance, 7 + 9 * away_s)
        close |= away_s < 8
    return {
        "lead_distance_m": distance,
        "lead_speed_mps": np.maximum(speed_mps + np.gradient(distance, time_s), 0.0),
        "has_lead": close | (np.sin(time_s / 23) > -0.5),
    }


def _cruise(drive: Drive, time_s: Floats, enabled: Bools, speed_mps: Floats) -> dict[str, Any]:
    fell = within(time_s, [(e - 0.05, e) for e in _ends(drive, Cause.CAR_CRUISE)])
    off = within(time_s, [(e - 0.05, e + 4) for e in _ends(drive, Cause.MAIN)])
    begins = np.flatnonzero(enabled & ~np.concatenate([[False], enabled[:-1]]))
    latest = np.searchsorted(begins, np.arange(len(time_s)), side="right") - 1
    at_begin = speed_mps[begins] if len(begins) else np.zeros(1)
    set_kph = np.maximum(np.round(at_begin * 3.6 / 5) * 5 + 5, 30)
    return {
        "cruise_enabled": enabled & ~fell & ~off,
        "cruise_available": ~off,
        "set_speed_mps": np.where(latest >= 0, set_kph[latest] / 3.6, 0.0),
    }
