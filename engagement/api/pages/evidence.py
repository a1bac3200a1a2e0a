"""Why an event was classed so: what began when around it, and which of that decided.

The rules are in sql/: `staging.end_reasons` has what began around the end of an engagement, and
what decided. Here it is put in words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engagement.store.serving import Generation

    Row = Mapping[str, Any]

_REASONS = """
select after_s, evidence, name, event_order // 10 % 10 as flag_num, outcome
from staging.end_reasons
where drive_id = $drive_id and engagement_num = $engagement_num
order by mono_ns, event_order, name
"""
_PARAMETERS = "select name, value from store.parameter"

_EVIDENCE_WORDS = {
    "brake": "the brake was pressed",
    "gas": "the accelerator was pressed",
    "steering_disengage": "the car reported a disengagement by steering",
    "park": "the gear went to park",
    "reverse": "the gear went to reverse",
    "main": "cruise was turned off",
    "cruise": "the car's cruise went off",
    "cancel": "the cancel button was pressed",
    "lkasDisable": "steering was switched off",
}

# In the order in which openpilot takes them.
_DISABLING = {1: "userDisable", 2: "immediateDisable", 3: "softDisable"}

# openpilot repeats its events about once a second.
_REPEAT_S = 1.5


@dataclass(frozen=True, slots=True)
class Reason:
    """Something that began around the end of an engagement, so many seconds after it.

    Attributes:
        after_s: Seconds from the end, negative before it.
        text: What began, in words; of openpilot's events the name and the flag that disables.
        is_event: Whether it is such an event.
        outcome: decides, follows or precedes, as in `staging.end_reasons`.
    """

    after_s: float
    text: str
    is_event: bool
    outcome: str


def read_parameters(generation: Generation) -> dict[str, float]:
    """The thresholds of the definitions, by name."""
    return generation.cached(
        "parameters of pages",
        lambda: {row["name"]: row["value"] for row in generation.rows(_PARAMETERS)},
    )


def read_reasons(generation: Generation, event: Row) -> list[Reason]:
    """What began around a disengagement, in the order of time; nothing for an override."""
    if event["kind"] != "disengagement":
        return []
    wanted = {"drive_id": event["drive_id"], "engagement_num": event["engagement_num"]}
    return [
        Reason(
            row["after_s"],
            _reason_text(row),
            row["evidence"] == "event",
            row["outcome"],
        )
        for row in generation.rows(_REASONS, wanted)
    ]


def _reason_text(row: Row) -> str:
    name = row["name"]
    if row["evidence"] == "event":
        return f"{name}: {_DISABLING[row['flag_num']]}"
    return _EVIDENCE_WORDS.get(name, f"the button {name} was pressed")


@dataclass(frozen=True, slots=True)
class Change:
    """Something that changed, so many seconds after the event (before it where negative)."""

    after_s: float
    source: str
    text: str
    is_flag: bool = False


_STATES = {
    "steering_pressed": ("the driver turns the wheel", "the driver lets go of the wheel"),
    "gas_pressed": ("accelerator pressed", "accelerator released"),
    "brake_pressed": ("brake pressed", "brake released"),
    "regen_braking": ("regenerative brake paddle pressed", "regenerative brake paddle released"),
    "steering_disengage": ("the car reports a disengagement by steering", ""),
    "cruise_enabled": ("the car's cruise on", "the car's cruise off"),
    "cruise_available": ("cruise switched on", "cruise switched off"),
    "door_open": ("door opened", "door closed"),
    "seatbelt_unlatched": ("seatbelt unlatched", "seatbelt latched"),
    "left_blinker": ("left blinker on", "left blinker off"),
    "right_blinker": ("right blinker on", "right blinker off"),
}
_SAMPLES = """
select (mono_ns - $mono_ns) / 1e9 as after_s, gear, {columns}
from log.car_state
where drive_id = $drive_id and mono_ns between $mono_ns - $before_ns and $mono_ns + $after_ns
order by mono_ns, segment_num, message_num
"""
_CONTROLS = """
select (mono_ns - $mono_ns) / 1e9 as after_s, state
from staging.control_samples
where drive_id = $drive_id and mono_ns between $mono_ns - $before_ns and $mono_ns + $after_ns
order by mono_ns, segment_num, message_num
"""


def read_changes(generation: Generation, event: Row, window_s: float) -> list[Change]:
    """Pedals, wheel, cruise, gear and openpilot's state: each change within so many seconds."""
    wanted = {
        "drive_id": event["drive_id"],
        "mono_ns": event["mono_ns"],
        "before_ns": round(window_s * 1e9),
        "after_ns": round(window_s * 1e9),
    }
    samples = generation.rows(_SAMPLES.format(columns=", ".join(_STATES)), wanted)
    controls = generation.rows(_CONTROLS, wanted)
    found = [
        Change(at_s, "carState", words[0] if value else words[1])
        for column, words in _STATES.items()
        for at_s, value in _steps(samples, column)
        if words[0 if value else 1]
    ]
    found += [Change(at_s, "carState", f"gear {gear}") for at_s, gear in _steps(samples, "gear")]
    found += [Change(at_s, "state", f"{state}") for at_s, state in _steps(controls, "state")]
    return found


def _steps(rows: Sequence[Row], column: str) -> list[tuple[float, Any]]:
    """When a column takes another value, and which; a null is no value."""
    known = [row for row in rows if row[column] is not None]
    return [
        (row["after_s"], row[column])
        for before, row in pairwise(known)
        if row[column] != before[column]
    ]


def flag_changes(flags: Sequence[Row], time_s: float) -> list[Change]:
    """Openpilot's events as they begin, each with its flags; ones that go on are one."""
    last_s: dict[str, float] = {}
    found = []
    for flag in flags:
        after_s = flag["time_s"] - time_s
        begins = after_s - last_s.get(flag["name"], -math.inf) > _REPEAT_S
        last_s[flag["name"]] = after_s
        if begins:
            found.append(Change(after_s, "event", _flag_text(flag), is_flag=True))
    return found


def _flag_text(flag: Row) -> str:
    named = [_camel(name) for name in flag["flags"]]
    return f"{flag['name']}: {', '.join(named)}" if named else str(flag["name"])


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
