"""What the script makes the driver press, openpilot raise and the screen show, with times."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from engagement.simulate.scenario import (
    CONSEQUENCE_S,
    NAG_BEFORE_S,
    SATURATED_AFTER_S,
    STANDING_S,
    Cause,
    Signs,
    Why,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engagement.simulate.scenario import Drive, Engagement, Press

_FLASH_S = 0.1  # how long an event of one moment stands in the list
_BRIEF_S = 0.2
_TINY_S = 1e-4

# Each cause's event, its flag, and how long after the engagement's end it stands.
_EVENT_OF_CAUSE = {
    Cause.BRAKE: ("pedalPressed", "userDisable", 2.5),
    Cause.GAS: ("pedalPressed", "userDisable", _FLASH_S),
    Cause.STEER: ("steerDisengage", "userDisable", 1.0),
    Cause.CANCEL: ("buttonCancel", "userDisable", _FLASH_S),
    Cause.MAIN: ("wrongCarMode", "userDisable", 4.0),
    Cause.PARK: ("parkBrake", "userDisable", 60.0),
    Cause.CAR_CRUISE: ("cruiseDisabled", "immediateDisable", _FLASH_S),
    Cause.CAR_LIMIT: ("speedTooLow", "immediateDisable", 3.0),
    Cause.CAN_ERROR: ("canError", "immediateDisable", 1.0),
    Cause.INATTENTION: ("driverUnresponsive", "immediateDisable", 1.0),
    Cause.COMM_ISSUE: ("commIssue", "softDisable", 0.5),
    Cause.SEATBELT: ("seatbeltNotLatched", "softDisable", 6.0),
}
_WARNING_OF_CAUSE = {
    Cause.CAR_LIMIT: ("openpilot Canceled", "Speed Too Low"),
    Cause.CAN_ERROR: ("TAKE CONTROL IMMEDIATELY", "CAN Error: Check Connections"),
    Cause.INATTENTION: ("DISENGAGE IMMEDIATELY", "Driver Unresponsive"),
    Cause.COMM_ISSUE: ("TAKE CONTROL IMMEDIATELY", "Communication Issue Between Processes"),
    Cause.SEATBELT: ("TAKE CONTROL IMMEDIATELY", "Seatbelt Unlatched"),
}
_STATUS_OF_FLAG = {"softDisable": "userPrompt", "immediateDisable": "critical"}

# Events that tell the driver something, with the screen's status and texts.
_TOLD = {
    "steerSaturated": ("userPrompt", "Take Control", "Turn Exceeds Steering Limit"),
    "promptDriverUnresponsive": ("userPrompt", "Touch Steering Wheel", "Driver Unresponsive"),
    "resumeRequired": ("userPrompt", "Press Resume to Exit Standstill", ""),
    "fcw": ("critical", "BRAKE!", "Risk of Collision"),
}
_RENAMED_2026 = {
    "promptDriverUnresponsive": "driverUnresponsive2",
    "driverUnresponsive": "driverUnresponsive3",
}


@dataclass(frozen=True, slots=True)
class Event:
    """An entry of the events list while it stands, [start_s, end_s)."""

    name: str
    flag: str
    start_s: float
    end_s: float

    def stands_at(self, time_s: float) -> bool:
        """Whether the list has it then."""
        return self.start_s - _TINY_S <= time_s < self.end_s - _TINY_S

    def name_in(self, service: str) -> str:
        """Its name among those of the list's service, by the newest schema."""
        return _RENAMED_2026.get(self.name, self.name) if service == "onroadEvents" else self.name


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


def buttons(drive: Drive) -> list[tuple[str, float, float]]:
    """The buttons held, as (type, start_s, end_s)."""
    held: list[tuple[str, float, float]] = []
    for engagement in drive.engagements:
        start_s = engagement.start_s - engagement.pre_enabled_s
        held.append(("decelCruise", start_s - 0.2, start_s))
        told_s = engagement.told_s
        if engagement.cause is Cause.CANCEL and engagement.is_told:
            held.append(("cancel", told_s - 0.05, told_s + 0.15))
        if engagement.cause is Cause.MAIN:
            held.append(("mainCruise", told_s - 0.1, told_s + 0.1))
        if engagement.end_s - engagement.start_s > SATURATED_AFTER_S:
            held.append(("gapAdjustCruise", start_s + 18, start_s + 18.3))
    ends_s = [run.end_s for run in drive.lateral_only if run.is_switched_off]
    return held + [("lkas", end_s - 0.05, end_s + 0.15) for end_s in ends_s]


def mads_events(drive: Drive, first_s: float, until_s: float) -> list[tuple[str | None, float]]:
    """Sunnypilot's own events in a part of a drive, each with its second: None for an empty list.

    Like openpilot's they are told when they change, and once a second.
    """
    ends_s = [run.end_s for run in drive.lateral_only if run.is_switched_off]
    switches: list[tuple[str | None, float]] = [("lkasDisable", end_s) for end_s in ends_s]
    empty = [end_s + 0.01 for end_s in ends_s] + [*map(float, range(ceil(first_s), ceil(until_s)))]
    told = switches + [(None, at_s) for at_s in empty]
    return [(name, at_s) for name, at_s in told if first_s <= at_s < until_s]


def events(drive: Drive) -> list[Event]:
    """Every event of the drive; those of one moment stand for 0.1 s."""
    found: list[Event] = []
    for engagement in drive.engagements:
        found += _beginning(drive, engagement)
        found += _ending(engagement)
        if limit := engagement.saturated:
            found.append(Event("steerSaturated", "warning", limit.start_s, limit.end_s))
    found += _cruise_off(drive)
    if drive.era.has_override_events:
        found += [_of_override(press) for press in drive.presses]
    found += _of_nags_and_stops(drive)
    for change in drive.lane_changes:
        side = change.direction.capitalize()
        (_, waiting), (_, starting), (_, finishing) = change.states
        found.append(Event(f"preLaneChange{side}", "warning", waiting.start_s, waiting.end_s))
        found.append(Event("laneChange", "warning", starting.start_s, finishing.end_s))
    return found + [Event("fcw", "permanent", w.start_s, w.end_s) for w in drive.warnings]


def _beginning(drive: Drive, engagement: Engagement) -> list[Event]:
    start_s, wait_s = engagement.start_s, engagement.pre_enabled_s
    name = "pcmEnable" if drive.car.pcm_cruise else "buttonEnable"
    began = [Event(name, "enable", start_s - wait_s, start_s - wait_s + _FLASH_S)]
    if wait_s:
        began.append(Event("preEnableStandstill", "preEnable", start_s - wait_s, start_s))
    return began


def _ending(engagement: Engagement) -> list[Event]:
    """The cause's event, where the log tells of it."""
    if engagement.cause is Cause.LOG_END or not engagement.is_told:
        return []
    name, flag, lasting_s = _EVENT_OF_CAUSE[engagement.cause]
    return [Event(name, flag, engagement.warned_s, engagement.told_s + lasting_s)]


def _cruise_off(drive: Drive) -> Iterator[Event]:
    """What a car with its own cruise reports as long as that is off.

    Where the cruise fell first it is there with the end; where the driver or openpilot ended the
    engagement it follows. A fall of which no event tells leaves it out until the next engagement.
    """
    if not drive.car.pcm_cruise:
        return
    start_s = 0.0
    for engagement in (*drive.engagements, None):
        end_s = engagement.start_s if engagement else drive.duration_s
        for name, flag in drive.car.cruise_off_events:
            yield Event(name, flag, start_s, end_s)
        if engagement:
            start_s = engagement.end_s + (CONSEQUENCE_S if engagement.signs is Signs.TOLD else 0.0)
            if engagement.signs is Signs.SILENT:
                start_s = drive.duration_s


def _of_override(press: Press) -> Event:
    if press.axis == "lateral":
        return Event("steerOverride", "overrideLateral", press.start_s, press.end_s)
    return Event("gasPressedOverride", "overrideLongitudinal", press.start_s, press.end_s)


def _of_nags_and_stops(drive: Drive) -> Iterator[Event]:
    """Requests that a press answers; a car whose own cruise drives waits for one to start again."""
    for press in drive.presses:
        if press.why is Why.NAG_ANSWER:
            asked_s = press.start_s - NAG_BEFORE_S
            yield Event("promptDriverUnresponsive", "warning", asked_s, press.start_s + 0.1)
        if press.why is Why.RESUME and not drive.car.openpilot_longitudinal:
            stop = next(s for s in drive.stops if s.start_s < press.start_s <= s.end_s)
            yield Event("resumeRequired", "warning", stop.start_s + STANDING_S, press.start_s)


def alerts(drive: Drive) -> list[Alert]:
    """Every alert: warnings with their text, the rest with no more than their type."""
    found: list[Alert] = []
    for event in events(drive):
        kind = f"{event.name_in(drive.era.events_service)}/{event.flag}"
        if event.name in _TOLD:
            status, text1, text2 = _TOLD[event.name]
            shown = Alert(event.start_s, event.end_s, kind, status, "mid", text1, text2)
            found.append(shown)
        elif event.flag.startswith("override"):
            found.append(Alert(event.start_s, event.end_s, kind))
        elif event.flag in ("enable", "preEnable"):
            found.append(Alert(event.start_s, max(event.end_s, event.start_s + _BRIEF_S), kind))
    return found + [_of_end(drive, e) for e in drive.engagements if e.cause is not Cause.LOG_END]


def _of_end(drive: Drive, engagement: Engagement) -> Alert:
    """What is shown of an engagement's end: a warning, or that it is over."""
    name, flag, _ = _EVENT_OF_CAUSE[engagement.cause]
    kind = f"{Event(name, flag, 0, 0).name_in(drive.era.events_service)}/{flag}"
    end_s = engagement.end_s
    if engagement.cause not in _WARNING_OF_CAUSE:
        told = kind if engagement.is_told else "pcmDisable/userDisable"
        return Alert(engagement.told_s, engagement.told_s + _BRIEF_S, told)
    text1, text2 = _WARNING_OF_CAUSE[engagement.cause]
    is_soft = engagement.cause.is_soft
    status = "normal" if engagement.cause is Cause.CAR_LIMIT else _STATUS_OF_FLAG[flag]
    start_s, until_s = (engagement.warned_s, end_s) if is_soft else (end_s, end_s + 4)
    return Alert(start_s, until_s, kind, status, "full", text1, text2)
