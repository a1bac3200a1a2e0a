"""How the car of a drive moves, and what its driver and openpilot do, sample by sample.

The speed follows the traffic through limits of acceleration and jerk. The road is a curvature per
metre that belongs to the device, so drives that set out alike pass the same places.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from engagement.simulate.scenario import CONSEQUENCE_S, SOFT_DISABLE_S, Cause, Signs

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from engagement.simulate.scenario import Drive, Engagement

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
_RED_LIGHT_EVERY_S, _RED_LIGHT_S = 45, 15
_CALM_MPS2, _HARD_MPS2 = -1.8, -3.4  # deceleration in traffic, and of a driver who brakes
_STEERING_MIN_MPS = 0.3  # slower than this, nothing steers

DISABLED, PRE_ENABLED, ENABLED, SOFT_DISABLING, OVERRIDING = range(5)  # openpilot's state
MADS_DISABLED, MADS_PAUSED, MADS_ENABLED, MADS_SOFT_DISABLING, MADS_OVERRIDING = range(5)
LANE_CHANGE_STATES = ("off", "preLaneChange", "laneChangeStarting", "laneChangeFinishing")


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
    right_blinker: Bools
    lane_change_state: Ints
    lane_change_direction: Ints
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
    mads_state: Ints

    def cut(self, start: int, stop: int) -> World:
        """The samples [start, stop)."""
        return World(**{f.name: getattr(self, f.name)[start:stop] for f in fields(self)})

    def at(self, samples: Ints) -> World:
        """The samples of these numbers."""
        return World(**{f.name: getattr(self, f.name)[samples] for f in fields(self)})


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
    steering = _steering(drive, time_s, motion, states, pedals["steering_pressed"], rng=rng)
    parked = _parked_from(drive)
    return World(
        time_s=time_s,
        **motion,
        **states,
        **pedals,
        **steering,
        **_lead(drive, time_s, motion["speed_mps"]),
        **_cruise(drive, time_s, states["enabled"], motion["speed_mps"]),
        **_lane_changes(drive, time_s, manual),
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
    """Driving by hand, well away from where assistance begins or ends."""
    busy = [(e.start_s - e.pre_enabled_s - 2, e.end_s + 3) for e in drive.engagements]
    busy += [(run.start_s - 2, run.end_s + 3) for run in drive.lateral_only]
    return ~within(time_s, busy)


def _asleep(drive: Drive, time_s: Floats) -> Bools:
    """Where brake or blinker pause a run of lateral only."""
    pauses = [pause for run in drive.lateral_only for pause in (*run.brakes, *run.blinkers)]
    return within(time_s, [(pause.start_s, pause.end_s) for pause in pauses])


def _motion(drive: Drive, time_s: Floats) -> dict[str, Any]:
    steps_s = np.arange(0, drive.duration_s + _STEP_S, _STEP_S)
    speed = _follow(_target_speed(drive, steps_s), _least_acceleration(drive, steps_s))
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
    is_red = steps_s % _RED_LIGHT_EVERY_S > _RED_LIGHT_EVERY_S - _RED_LIGHT_S
    target[(target < 15) & is_red] = 0.0
    target[within(steps_s, [(stop.start_s, stop.end_s) for stop in drive.stops])] = 0.0
    braked = within(steps_s, [(e, e + 3) for e in _ends(drive, Cause.BRAKE)])
    pushed = [(p.start_s, p.end_s) for p in drive.presses if p.axis == "longitudinal"]
    target += np.where(braked, -9.0, 0.0) + np.where(within(steps_s, pushed), 4.0, 0.0)
    target[steps_s > _parked_from(drive) - _PARKING_S] = 0.0
    return np.maximum(target, 0.0)


def _least_acceleration(drive: Drive, steps_s: Floats) -> Floats:
    braked = within(steps_s, [(e, e + 3) for e in _ends(drive, Cause.BRAKE)])
    return np.where(braked, _HARD_MPS2, _CALM_MPS2)


def _follow(target: Floats, least: Floats) -> Floats:
    speed = np.zeros(len(target))
    now = acceleration = 0.0
    for index, (wanted, least_mps2) in enumerate(zip(target.tolist(), least.tolist(), strict=True)):
        asked = min(1.8, max(least_mps2, (wanted - now) / 1.4))
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
    overriding = _pressed(drive, time_s, "lateral", "longitudinal")
    state = np.where(active, ENABLED, DISABLED)
    state[waiting] = PRE_ENABLED
    if drive.era.has_override_events:
        state[active & overriding] = OVERRIDING
    state[within(time_s, [(end - SOFT_DISABLE_S, end) for end in soft_ends])] = SOFT_DISABLING
    pushing = _pressed(drive, time_s, "longitudinal")
    alone = within(time_s, [(run.start_s, run.end_s) for run in drive.lateral_only])
    steers = (active | alone) & ~_asleep(drive, time_s) & (speed_mps > _STEERING_MIN_MPS)
    return {
        "enabled": active | waiting,
        "active": active,
        "state": state,
        "lateral_active": steers,
        "longitudinal_active": active & ~pushing & drive.car.openpilot_longitudinal,
        "is_lateral_only": alone,
        "mads_state": _mads_state(drive, time_s, active | alone),
    }


def _mads_state(drive: Drive, time_s: Floats, is_on: Bools) -> Ints:
    """A brake pauses it; a blinker and standstill leave the state and stop only the steering."""
    brakes = [(b.start_s, b.end_s) for run in drive.lateral_only for b in run.brakes]
    state = np.where(is_on, MADS_ENABLED, MADS_DISABLED)
    state[is_on & _pressed(drive, time_s, "lateral")] = MADS_OVERRIDING
    state[within(time_s, brakes)] = MADS_PAUSED
    return state


def _pressed(drive: Drive, time_s: Floats, *axes: str) -> Bools:
    return within(time_s, [(p.start_s, p.end_s) for p in drive.presses if p.axis in axes])


def _pedals(
    drive: Drive, time_s: Floats, manual: Bools, acceleration_mps2: Floats
) -> dict[str, Any]:
    def at_ends(cause: Cause, before_s: float, after_s: float) -> Bools:
        told = [e.told_s for e in drive.engagements if e.cause is cause]
        return within(time_s, [(told_s - before_s, told_s + after_s) for told_s in told])

    pauses = [(b.start_s, b.end_s) for run in drive.lateral_only for b in run.brakes]
    brake = at_ends(Cause.BRAKE, 0.05, 2.5) | within(time_s, pauses)
    gas = at_ends(Cause.GAS, 0.05, 2.0) | _pressed(drive, time_s, "longitudinal")
    steer = at_ends(Cause.STEER, 0.15, 1.0) | _pressed(drive, time_s, "lateral")
    return {
        "brake_pressed": brake | (manual & (acceleration_mps2 < -0.8)),
        "gas_pressed": gas | (manual & (acceleration_mps2 > 0.5)),
        "steering_pressed": steer | (manual & (np.sin(time_s / 2.3) > 0.5)),
    }


def _lane_changes(drive: Drive, time_s: Floats, manual: Bools) -> dict[str, Any]:
    """Blinkers, and what openpilot makes of them; the blinker goes off as the change finishes."""
    state = np.zeros(len(time_s), dtype=int)
    direction = np.zeros(len(time_s), dtype=int)
    blinkers = {"left": manual & (np.sin(time_s / 7) > 0.8), "right": np.zeros_like(manual)}
    for change in drive.lane_changes:
        for name, held in change.states:
            state[within(time_s, [(held.start_s, held.end_s)])] = LANE_CHANGE_STATES.index(name)
        side = 1 if change.direction == "left" else 2
        direction[within(time_s, [(change.start_s, change.end_s)])] = side
        blinkers[change.direction] |= within(time_s, [(change.start_s, change.nudged_s + 3)])
    pauses = [(b.start_s, b.end_s) for run in drive.lateral_only for b in run.blinkers]
    return {
        "left_blinker": blinkers["left"] | within(time_s, pauses),
        "right_blinker": blinkers["right"],
        "lane_change_state": state,
        "lane_change_direction": direction,
    }


def _steering(
    drive: Drive,
    time_s: Floats,
    motion: dict[str, Any],
    states: dict[str, Any],
    pressed: Bools,
    *,
    rng: np.random.Generator,
) -> dict[str, Any]:
    road_angle = motion.pop("steering_angle_deg")
    angle = road_angle + np.where(pressed, 6.0 * np.sin(time_s * 1.5), 0.0)
    motor = np.where(states["lateral_active"], np.clip(road_angle / 40, -0.5, 0.5), 0.0)
    motor -= np.where(pressed & states["lateral_active"], 0.4, 0.0)
    to_right = [(c.start_s, c.end_s) for c in drive.lane_changes if c.direction == "right"]
    held_nm = np.where(within(time_s, to_right), -2.6, 2.6)
    driver = rng.normal(0, 0.04, size=len(time_s)) + np.where(pressed, held_nm, 0.0)
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
    """A cruise that fell by itself did so a moment before the end that followed from it."""
    first = [e.end_s for e in drive.engagements if _fell_first(e)]
    fell = within(time_s, [(end_s - 0.05, end_s) for end_s in first])
    after = [e.end_s for e in drive.engagements if not _fell_first(e)]
    falls = within(time_s, [(end_s, end_s + CONSEQUENCE_S) for end_s in after])
    off = within(time_s, [(e - 0.05, e + 4) for e in _ends(drive, Cause.MAIN)])
    begins = np.flatnonzero(enabled & ~np.concatenate([[False], enabled[:-1]]))
    latest = np.searchsorted(begins, np.arange(len(time_s)), side="right") - 1
    at_begin = speed_mps[begins] if len(begins) else np.zeros(1)
    set_kph = np.maximum(np.round(at_begin * 3.6 / 5) * 5 + 5, 30)
    return {
        "cruise_enabled": (enabled | falls) & ~fell & ~off,
        "cruise_available": ~off,
        "set_speed_mps": np.where(latest >= 0, set_kph[latest] / 3.6, 0.0),
    }


def _fell_first(engagement: Engagement) -> bool:
    is_by_cruise = engagement.cause in (Cause.CAR_CRUISE, Cause.CAR_LIMIT)
    return is_by_cruise or engagement.signs is not Signs.TOLD
