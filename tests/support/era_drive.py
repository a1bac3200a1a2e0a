"""The scripted drive of tests/data/eras/README.md, as each era said it: values of messages.

Every function gives what one service logs at a moment. What an era did not have yet is left out,
so a field that came too early fails when the message is built with that era's schemas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tests.support.eras import Era

Values = dict[str, Any]

DURATION_MS = 80_000
_ENGAGED_MS = ((5_000, 20_000), (25_000, 40_000), (45_000, 50_000), (62_000, 80_000))
_LATERAL_ONLY_MS = (52_000, 56_000)
_STEERING_MS = (10_000, 12_000)
_BRAKING_MS = (20_000, 21_500)
_CAN_ERROR_MS = (40_000, 41_000)
_CANCEL_PRESSED_MS, _CANCEL_RELEASED_MS = 50_000, 50_200

SPEED_MPS = 20.0
FORK_EVENT = 121  # manualLongitudinalRequired there, and later espActive in upstream's numbering
_SET_SPEED_KPH = 75.6


class Moment(NamedTuple):
    """What is going on in one frame."""

    is_engaged: bool
    is_starting: bool
    is_lateral_only: bool
    is_steering: bool
    is_braking: bool
    has_can_error: bool
    cancel: str


def moment_at(time_ms: int, era: Era) -> Moment:
    """The drive's state in the frame at a time."""
    cancel = {_CANCEL_PRESSED_MS: "pressed", _CANCEL_RELEASED_MS: "released"}
    return Moment(
        is_engaged=any(_is_in(time_ms, stretch) for stretch in _ENGAGED_MS),
        is_starting=any(time_ms == start_ms for start_ms, _ in _ENGAGED_MS),
        is_lateral_only=era.has_lateral_only and _is_in(time_ms, _LATERAL_ONLY_MS),
        is_steering=_is_in(time_ms, _STEERING_MS),
        is_braking=_is_in(time_ms, _BRAKING_MS),
        has_can_error=_is_in(time_ms, _CAN_ERROR_MS),
        cancel=cancel.get(time_ms, ""),
    )


def _is_in(time_ms: int, stretch: tuple[int, int]) -> bool:
    return stretch[0] <= time_ms < stretch[1]


def events(era: Era, now: Moment) -> list[Values]:
    """The events in force, with the flags by which they act."""
    found: list[Values] = []
    if now.is_starting:
        found.append({"name": "pcmEnable" if era.is_stock_long else "buttonEnable", "enable": True})
    if now.is_braking:
        found.append({"name": "pedalPressed", "userDisable": True, "noEntry": True})
    if now.has_can_error:
        found.append({"name": "canError", "immediateDisable": True, "noEntry": True})
    if now.cancel == "pressed":
        found.append({"name": "buttonCancel", "userDisable": True})
    if era.is_stock_long and not now.is_engaged:
        found.append({"name": "pcmDisable", "userDisable": True})
    if era.date >= "2022-09-13" and now.is_steering:
        found.append({"name": "steerOverride", "overrideLateral": True})
    if era.is_old_sunnypilot and now.is_lateral_only:
        found.append({"name": FORK_EVENT, "warning": True})
    return found


def car_state(era: Era, now: Moment) -> Values:
    values: Values = {
        "vEgo": SPEED_MPS,
        "steeringPressed": now.is_steering,
        "steeringTorque": 300.0 if now.is_steering else 3.0,
        "brakePressed": now.is_braking,
        "gearShifter": "drive",
        "cruiseState": {"enabled": _is_cruise_on(era, now), "available": True, "speed": 21.0},
    }
    if now.cancel:
        values["buttonEvents"] = [{"type": "cancel", "pressed": now.cancel == "pressed"}]
    if era.date < "2024-01-01":
        values["events"] = events(era, now)
    if era.date >= "2019-06-21":
        values["canValid"] = not now.has_can_error
    if era.date >= "2022-07-20":
        values["vEgoCluster"] = SPEED_MPS
    if era.date >= "2024-09-02":
        values["vCruise"] = _SET_SPEED_KPH
    if era.is_old_sunnypilot:
        is_lateral = now.is_engaged or now.is_lateral_only
        values |= {"madsEnabled": True, "accEnabled": now.is_engaged, "latActive": is_lateral}
        values["gapAdjustCruiseTr"] = 3
    return values


def _is_cruise_on(era: Era, now: Moment) -> bool:
    return now.is_engaged and (era.is_stock_long or era.is_old_sunnypilot)


def _state(era: Era, now: Moment) -> Values:
    """Whether and how it is engaged: the old sunnypilot is so in lateral-only driving too."""
    is_on = now.is_engaged or (era.is_old_sunnypilot and now.is_lateral_only)
    state = "enabled" if is_on else "disabled"
    if era.date >= "2022-09-13" and is_on and now.is_steering:
        state = "overriding"
    values = {"enabled": is_on, "active": is_on, "state": state}
    if now.has_can_error:
        values |= {"alertText1": "TAKE CONTROL IMMEDIATELY", "alertText2": "CAN Error"}
        values |= {"alertStatus": "critical", "alertSize": "full"}
        if era.date >= "2018-10-21":
            values["alertType"] = "canError/immediateDisable"
    return values


def controls_state(era: Era, now: Moment) -> Values:
    """live100 or controlsState, whose state moved to selfdriveState and left zeros behind."""
    values: Values = {"curvature": 0.001}
    if era.date < "2024-09-03":
        values |= _state(era, now)
    if era.date < "2024-09-02":
        values["vCruise"] = _SET_SPEED_KPH
    if era.date < "2021-02-03":
        values |= {"vEgo": SPEED_MPS, "steerOverride": now.is_steering}
    return values


def selfdrive_state(era: Era, now: Moment) -> Values:
    return {**_state(era, now), "engageable": True, "personality": "standard"}


def car_control(era: Era, now: Moment) -> Values:
    is_lateral = now.is_engaged or now.is_lateral_only
    is_on = now.is_engaged or (era.is_old_sunnypilot and now.is_lateral_only)
    values: Values = {
        "enabled": is_on,
        "actuators": {"torque": 0.1 if is_lateral else 0.0},
        "cruiseControl": {"cancel": now.cancel == "pressed"},
        "hudControl": {"lanesVisible": is_on},
    }
    if "2018-04-14" <= era.date < "2022-03-13":
        values["active"] = is_on
    if era.date >= "2022-03-15":
        values["latActive"] = is_lateral
        values["longActive"] = now.is_engaged and not era.is_stock_long
    return values


def car_output(_era: Era, now: Moment) -> Values:
    return {"actuatorsOutput": {"torque": 0.1 if now.is_engaged else 0.0}}


def fork_state(era: Era, now: Moment) -> Values:
    """What the fork has in Event's 107th slot; only sunnypilot's has a meaning that stays."""
    if not era.is_sunnypilot:
        return {"alwaysOnLateral": now.is_lateral_only}
    is_lateral = now.is_engaged or now.is_lateral_only
    state = "enabled" if is_lateral else "disabled"
    return {
        "mads": {"state": state, "enabled": is_lateral, "active": is_lateral, "available": True}
    }


def fork_events(era: Era, now: Moment) -> Values | list[Values]:
    """sunnypilot's own events, which came as a list before they came as a struct with a list."""
    listed: list[Values] = [{"name": 0, "enable": True}] if now.is_lateral_only else []
    return {"events": listed} if era.date >= "2025-03-29" else listed


def car_params(era: Era) -> Values:
    return {
        "brand": "toyota",
        "carFingerprint": "TOYOTA_RAV4",
        "pcmCruise": True,
        "openpilotLongitudinalControl": not era.is_stock_long,
        "mass": 1700.0,
        "steerRatio": 16.0,
    }


def init_data(era: Era, wall_time_ns: int) -> Values:
    values: Values = {
        "dongleId": era.dongle_id,
        "version": era.version,
        "deviceType": era.device_type,
        "gitBranch": "release",
        "gitCommit": "5eed" * 10,
        "gitRemote": era.remote,
    }
    if era.date >= "2018-09-03":
        # A text, which ends in a zero byte, until bytes took its place on the wire.
        end = b"\0" if era.date < "2021-02-26" else b""
        values["params"] = {"entries": [{"key": "IsMetric", "value": b"1" + end}]}
    if era.date >= "2021-05-20":
        values["osVersion"] = "12.3"
    if era.date >= "2023-10-15":
        values["wallTimeNanos"] = wall_time_ns
    return values


def gps(era: Era, time_ms: int, wall_time_ns: int) -> Values:
    values: Values = {
        "flags": 1,
        "latitude": 60.0 + SPEED_MPS * time_ms / 1000 / 111_600,
        "longitude": 24.0,
        "speed": SPEED_MPS,
        "unixTimestampMillis": wall_time_ns // 1_000_000,
        "source": "ublox",
    }
    if era.date >= "2024-03-07":
        values |= {"flags": 0, "hasFix": True}
    return values
