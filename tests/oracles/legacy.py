"""The old system's numbers, message by message: the oracle that the legacy views answer to.

Nothing here is shared with the package. One `Drive` goes in, one entry of the old
`engagement_db.json` and the drive's entries of `debug_events.json` come out.

What the description of the old numbers leaves open, and what is done here. The example logs settle
the points marked (example); the others follow the words as they stand.

- Times come from the messages in file order, as they are: only the carState gaps are dropped when
  not positive, so unsorted controlsState messages or cruise values subtract time.
- A frame's values are taken before the detector looks: the averages that it compares hold the
  newest value (example). The detector looks after every frame, so a frame with no torque in it
  looks at the old averages with a new time and a new engaged flag (example).
- A frame that holds both torques moves both averages before the detector looks.
- A flip at a segment's first controlsState makes the segment unstable too; the flip's own message
  never makes it stable again.
- An average is the sum from the oldest to the newest value, divided by their number.
- Engaged odometer increments see the engaged flag of the newest controlsState of the drive, which
  is not set before the first one.
- No debug events are kept of drives that the date rules out (example).
- `car_fingerprint` is that of the first carParams with one that is not empty;
  `openpilot_longitudinal` is that of the first carParams. Only the first initData counts: an empty
  text in it is an unknown value, and so is the device type `unknown`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from tests.oracles.legacy_buckets import BUCKETS, Bucket, bucket_key
from tests.oracles.legacy_messages import (
    Can,
    CarParams,
    CarState,
    Controls,
    Drive,
    InitData,
    Segment,
)

NS_PER_S = 1_000_000_000
TORQUE_WINDOW = 10
INTERVENTION_ABOVE = 1.5
INTERVENTION_ENDS_BELOW = 0.3
REFRACTORY_NS = 10 * NS_PER_S
STABLE_AFTER_NS = 3 * NS_PER_S
STEER_SINCE = datetime(2025, 7, 7)  # noqa: DTZ001 - drive names are local times


@dataclass(slots=True)
class SegmentState:
    """What every segment starts anew."""

    path: str
    first_controls_ns: int | None = None
    last_controls: Controls | None = None
    last_car_state: CarState | None = None
    last_cruise: tuple[int, float] | None = None
    flip_ns: int | None = None
    is_stable: bool = True
    driver: deque[float] = field(default_factory=lambda: deque(maxlen=TORQUE_WINDOW))
    motor: deque[float] = field(default_factory=lambda: deque(maxlen=TORQUE_WINDOW))
    is_intervention: bool = False
    last_intervention_ns: int = 0


@dataclass(slots=True)
class Totals:
    """What is kept for the whole drive."""

    drive: str
    is_active: bool | None = None
    is_engaged: bool = False
    is_reengagement_pending: bool = False
    total_time: int = 0
    active_time: int = 0
    drive_time: int = 0
    drive_time_active: int = 0
    cruise_press_ns: int = 0
    state_changes: int = 0
    interventions: int = 0
    first_odometer_km: float | None = None
    last_odometer_km: float | None = None
    engaged_km: float = 0.0
    buckets: dict[str, Bucket] = field(default_factory=lambda: {key: Bucket() for key in BUCKETS})
    events: list[dict[str, object]] = field(default_factory=list)
    car_params: list[CarParams] = field(default_factory=list)
    init_data: list[InitData] = field(default_factory=list)


def compute(
    drive: Drive, *, host: str = "offline"
) -> tuple[dict[str, object], list[dict[str, object]]]:
    """The drive's entry of engagement_db.json and its entries of debug_events.json."""
    totals = Totals(drive.drive)
    for segment in drive.segments:
        _read_segment(totals, segment)
    recorded_at = parse_drive_name(drive.drive)
    if recorded_at is None or recorded_at < STEER_SINCE:
        totals.events.clear()
    entry: dict[str, object] = {"device_id": drive.device_id, "host": host, "drive": drive.drive}
    entry |= _figures(totals)
    entry |= _metadata(totals, recorded_at)
    return entry, totals.events


def parse_drive_name(name: str) -> datetime | None:
    try:
        return datetime.strptime(name, "%Y-%m-%d--%H-%M-%S")  # noqa: DTZ007
    except ValueError:
        return None


def _read_segment(totals: Totals, segment: Segment) -> None:
    state = SegmentState(segment.path)
    for message in segment.messages:
        match message:
            case Controls():
                _read_controls(totals, state, message)
            case CarState():
                _read_car_state(totals, state, message)
            case Can():
                for frame in message.frames:
                    _read_frame(totals, state, message.mono_ns, frame)
            case CarParams():
                totals.car_params.append(message)
            case InitData():
                totals.init_data.append(message)
    if state.last_controls is not None and state.first_controls_ns is not None:
        totals.total_time += state.last_controls.mono_ns - state.first_controls_ns


def _read_controls(totals: Totals, state: SegmentState, message: Controls) -> None:
    if state.first_controls_ns is None:
        state.first_controls_ns = message.mono_ns
    last = state.last_controls
    if last is not None and last.active and message.active:
        totals.active_time += message.mono_ns - last.mono_ns
    if totals.is_active is not None and totals.is_active != message.active:
        totals.state_changes += 1
        state.is_stable = False
        state.flip_ns = message.mono_ns
        if not message.active:
            totals.is_reengagement_pending = True
        elif totals.is_reengagement_pending:
            totals.interventions += 1
            totals.is_reengagement_pending = False
    if state.flip_ns is not None and message.mono_ns - state.flip_ns > STABLE_AFTER_NS:
        state.is_stable = True
    totals.is_active = totals.is_engaged = message.active
    state.last_controls = message


def _read_car_state(totals: Totals, state: SegmentState, message: CarState) -> None:
    last, state.last_car_state = state.last_car_state, message
    if last is None or message.mono_ns <= last.mono_ns:
        return
    gap_ns = message.mono_ns - last.mono_ns
    distance_km = last.v_ego_mps * (gap_ns / 1e9) / 1000
    bucket = totals.buckets[bucket_key(last.v_ego_mps)]
    bucket.time_ns += gap_ns
    bucket.distance_km += distance_km
    is_moving = last.v_ego_mps > 1.0
    totals.drive_time += gap_ns if is_moving else 0
    if totals.is_engaged:
        totals.drive_time_active += gap_ns if is_moving else 0
        bucket.engaged_time_ns += gap_ns
        bucket.engaged_distance_km += distance_km


def _read_frame(totals: Totals, state: SegmentState, mono_ns: int, frame: dict[str, float]) -> None:
    if "odometer" in frame:
        _read_odometer(totals, frame["odometer"])
    if "cruise_state" in frame:
        if state.last_cruise is not None and state.last_cruise[1] != 0:
            totals.cruise_press_ns += mono_ns - state.last_cruise[0]
        state.last_cruise = (mono_ns, frame["cruise_state"])
    if "steering_driver_torque" in frame:
        state.driver.append(frame["steering_driver_torque"])
    if "steering_motor_torque" in frame:
        state.motor.append(frame["steering_motor_torque"])
    _detect_intervention(totals, state, mono_ns)


def _read_odometer(totals: Totals, odometer_km: float) -> None:
    if totals.last_odometer_km is not None:
        increment_km = odometer_km - totals.last_odometer_km
        if totals.is_engaged and 0 < increment_km < 1.0:
            totals.engaged_km += increment_km
    if totals.first_odometer_km is None:
        totals.first_odometer_km = odometer_km
    totals.last_odometer_km = odometer_km


def _detect_intervention(totals: Totals, state: SegmentState, mono_ns: int) -> None:
    if not (state.driver and state.motor and totals.is_engaged and state.is_stable):
        return
    difference = abs(_mean(state.driver) - _mean(state.motor))
    is_rested = mono_ns - state.last_intervention_ns > REFRACTORY_NS
    if difference > INTERVENTION_ABOVE and not state.is_intervention and is_rested:
        state.is_intervention = True
        state.last_intervention_ns = mono_ns
        first_ns = -1 if state.first_controls_ns is None else state.first_controls_ns
        totals.events.append(
            {
                "drive": totals.drive,
                "rlog_path": state.path,
                "event_type": "steer_intervention",
                "time_in_segment_s": (mono_ns - first_ns) / 1e9,
                "reason": f"Steering intervention detected (diff: {difference:.2f})",
            }
        )
    elif difference < INTERVENTION_ENDS_BELOW and state.is_intervention:
        state.is_intervention = False


def _mean(values: deque[float]) -> float:
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def _figures(totals: Totals) -> dict[str, object]:
    steer_count = len(totals.events)
    odo_km = engaged_km = None
    if totals.first_odometer_km is not None and totals.last_odometer_km is not None:
        odo_km = round(totals.last_odometer_km - totals.first_odometer_km, 1)
        engaged_km = round(totals.engaged_km, 1)
    return {
        "total_time": totals.total_time,
        "active_time": totals.active_time,
        "drive_time": totals.drive_time,
        "drive_time_active": totals.drive_time_active,
        "cruise_press_time_ns": totals.cruise_press_ns,
        "cruise_press_seconds": round(totals.cruise_press_ns / 1e9, 2),
        "cruise_press_seconds_per_hour": _share(totals.cruise_press_ns, totals.drive_time, 3600),
        "engagement_pct": _share(totals.active_time, totals.total_time, 100),
        "drive_time_engagement_pct": _share(totals.drive_time_active, totals.drive_time, 100),
        "engagement_pct_odo": _per_odometer(totals.engaged_km, odo_km),
        "odo_distance": odo_km,
        "engaged_distance": engaged_km,
        "interventions_per_100km": _per_odometer(totals.interventions, odo_km),
        "total_state_changes": totals.state_changes,
        "intervention_count": totals.interventions,
        "steer_intervention_count": steer_count,
        "steer_interventions_per_100km": _per_odometer(steer_count, odo_km),
    }


def _share(part: int, whole: int, scale: int) -> float:
    return round(part / whole * scale, 2) if whole else 0.0


def _per_odometer(amount: float, odo_km: float | None) -> float | None:
    return round(amount / odo_km * 100, 2) if odo_km else None


def _metadata(totals: Totals, recorded_at: datetime | None) -> dict[str, object]:
    first = totals.init_data[0] if totals.init_data else InitData(0, "", "", "", "unknown")
    device_type = None if first.device_type == "unknown" else first.device_type
    known = {
        "version": first.version,
        "git_branch": first.git_branch,
        "git_commit": first.git_commit,
        "deviceType": device_type,
    }
    longitudinal = [message.openpilot_longitudinal for message in totals.car_params]
    fingerprints = [message.car_fingerprint for message in totals.car_params]
    return {
        "openpilot_longitudinal": longitudinal[0] if longitudinal else None,
        "car_fingerprint": next(filter(None, fingerprints), None),
        "device_type": device_type,
        "speed_buckets": {key: totals.buckets[key].entry(label) for key, label in BUCKETS.items()},
        "recorded_at": None if recorded_at is None else recorded_at.isoformat(),
        **{key: value for key, value in known.items() if value},
    }
