"""What the drive's plan makes the driver press, openpilot raise and the screen show, with times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.simulate.scenario import SATURATED_AFTER_S, SOFT_DISABLE_S, Cause

if TYPE_CHECKING:
    from engagement.simulate.scenario import Drive, Engagement, Override

_FLASH_S = 0.1  # how long an event of one moment stands in the list
_BRIEF_S = 0.2

# Each cause's event, its flag, and how long after the engagement's end it stands.
_EVENT_OF_CAUSE = {
    Cause.BRAKE: ("pedalPressed", "userDisable", _FLASH_S),
    Cause.GAS: ("pedalPressed", "userDisable", _FLASH_S),
    Cause.STEER: ("steerDisengage", "userDisable", 1.0),
    Cause.CANCEL: ("buttonCancel", "userDisable", _FLASH_S),
    Cause.MAIN: ("wrongCarMode", "userDisable", 4.0),
    Cause.PARK: ("parkBrake", "userDisable", 60.0),
    Cause.CAR_CRUISE: ("pcmDisable", "userDisable", _FLASH_S),
    Cause.CAN_ERROR: ("canError", "immediateDisable", 1.0),
    Cause.COMM_ISSUE: ("commIssue", "softDisable", 0.5),
    Cause.SEATBELT: ("seatbeltNotLatched", "softDisable", 6.0),
}
_WARNING_OF_CAUSE = {
    Cause.CAN_ERROR: "CAN Error: Check Connections",
    Cause.COMM_ISSUE: "Communication Issue Between Processes",
    Cause.SEATBELT: "Seatbelt Unlatched",
}
_TAKE_CONTROL = "TAKE CONTROL IMMEDIATELY"


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the events list while it stands, [start_s, end_s)."""

    name: str
    flag: str
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Alert:
    """What the screen shows, [start_s, end_s); a later one of the list covers an earlier one."""

    start_s: float
    end_s: float
    kind: str
    status: str = "normal"
    size: str = "none"
    text1: str = ""
    text2: str = ""


def presses(drive: Drive) -> list[tuple[str, float, float]]:
    """The buttons held, as (type, start_s, end_s)."""
    held: list[tuple[str, float, float]] = []
    for engagement in drive.engagements:
        start_s = engagement.start_s - engagement.pre_enabled_s
        held.append(("decelCruise", start_s - 0.2, start_s))
        end_s = engagement.end_s
        if engagement.cause is Cause.CANCEL:
            held.append(("cancel", end_s - 0.05, end_s + 0.15))
        if engagement.cause is Cause.MAIN:
            held.append(("mainCruise", end_s - 0.1, end_s + 0.1))
        if engagement.end_s - engagement.start_s > SATURATED_AFTER_S:
            held.append(("gapAdjustCruise", start_s + 18, start_s + 18.3))
    return held


def events(drive: Drive) -> list[Event]:
    """Every event of the drive; those of one moment stand for 0.1 s."""
    found: list[Event] = []
    for engagement in drive.engagements:
        found += _beginning(drive, engagement)
        found += _ending(drive, engagement)
        if limit := engagement.saturated:
            found.append(Event("steerSaturated", "warning", limit.start_s, limit.end_s))
    if drive.era.has_override_events:
        found += [_of_override(override) for override in drive.overrides]
    return found


def _beginning(drive: Drive, engagement: Engagement) -> list[Event]:
    start_s, wait_s = engagement.start_s, engagement.pre_enabled_s
    name = "pcmEnable" if drive.car.pcm_cruise else "buttonEnable"
    began = [Event(name, "enable", start_s - wait_s, start_s - wait_s + _FLASH_S)]
    if wait_s:
        began.append(Event("preEnableStandstill", "preEnable", start_s - wait_s, start_s))
    return began


def _ending(drive: Drive, engagement: Engagement) -> list[Event]:
    """The cause's event; a car with its own cruise then reports that this is off as well."""
    if engagement.cause is Cause.LOG_END:
        return []
    name, flag, lasting_s = _EVENT_OF_CAUSE[engagement.cause]
    end_s = engagement.end_s
    ahead_s = SOFT_DISABLE_S if engagement.cause.is_soft else 0.0
    ended = [Event(name, flag, end_s - ahead_s, end_s + lasting_s)]
    if drive.car.pcm_cruise and engagement.cause is not Cause.CAR_CRUISE:
        ended.append(Event("pcmDisable", "userDisable", end_s + 0.05, end_s + 0.05 + _FLASH_S))
    return ended


def _of_override(override: Override) -> Event:
    if override.axis == "lateral":
        return Event("steerOverride", "overrideLateral", override.start_s, override.end_s)
    return Event("gasPressedOverride", "overrideLongitudinal", override.start_s, override.end_s)


def alerts(drive: Drive) -> list[Alert]:
    """Every alert: warnings with their text, the rest with no more than their type."""
    found = [
        Alert(e.start_s, max(e.end_s, e.start_s + _BRIEF_S), f"{e.name}/{e.flag}")
        for e in events(drive)
        if e.flag not in ("softDisable", "immediateDisable", "warning")
        and e.name not in ("parkBrake", "wrongCarMode")
    ]
    for engagement in drive.engagements:
        if engagement.cause in _WARNING_OF_CAUSE:
            found.append(_warning(engagement))
        if limit := engagement.saturated:
            found.append(
                Alert(
                    limit.start_s, limit.end_s, "steerSaturated/warning", "userPrompt", "mid",
                    "Take Control", "Turn Exceeds Steering Limit",
                )
            )  # fmt: skip
    return found


def _warning(engagement: Engagement) -> Alert:
    name, flag, _ = _EVENT_OF_CAUSE[engagement.cause]
    is_soft = engagement.cause.is_soft
    end_s = engagement.end_s
    return Alert(
        start_s=end_s - SOFT_DISABLE_S if is_soft else end_s,
        end_s=end_s if is_soft else end_s + 4,
        kind=f"{name}/{flag}",
        status="userPrompt" if is_soft else "critical",
        size="full",
        text1=_TAKE_CONTROL,
        text2=_WARNING_OF_CAUSE[engagement.cause],
    )
