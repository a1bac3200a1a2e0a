"""Why an event was classed so: the rules in their order, and what the log has for each.

The rules themselves are in sql/: `staging.end_events` says which of openpilot's events fits which
rule, `staging.end_actions` what pedals, buttons, gear and cruise did. Here they are put in words.
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

_EVENTS = """
select name, rule, min(distance_ns) / 1e9 as distance_s
from staging.end_events
where drive_id = $drive_id and engagement_num = $engagement_num and rule is not null
group by name, rule
order by distance_s, name
"""
_ACTIONS = """
from staging.end_actions
where drive_id = $drive_id and engagement_num = $engagement_num
"""
_PRESS = """
select coalesce(bool_or({column}), false) as has_press
from log.car_state
where drive_id = $drive_id and mono_ns between $mono_ns and $mono_ns + 100000000
"""
_PARAMETERS = "select name, value from store.parameter"

_ACTION_WORDS = {
    "brake_rose": "the brake was pressed",
    "gas_rose": "the accelerator was pressed",
    "has_cancel": "the cancel button was pressed",
    "main_fell": "cruise was turned off",
    "parked": "the gear went to park or reverse",
    "cruise_fell": "the car's cruise went off",
    "cruise_fell_near": "the car's cruise went off",
    "has_steering_disengage": "the car reported a disengagement by steering",
}
_INFERRING = ("brake_rose", "gas_rose", "has_cancel", "main_fell", "parked", "cruise_fell_near")
_DRIVER_SOFT = "driver_soft_"

# The rules, numbered as in docs/definitions.md; the end of the drive comes before them all.
_END_OF_DRIVE, _IMMEDIATE, _SOFT, _USER, _CRUISE, _INFERRED, _UNKNOWN = range(7)

# openpilot repeats its events about once a second.
_REPEAT_S = 1.5


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule, what was found for it, and whether it is the one that decided."""

    title: str
    events: Sequence[str]
    actions: Sequence[str]
    is_chosen: bool

    @property
    def is_found(self) -> bool:
        """Whether there is anything for it."""
        return bool(self.events or self.actions)


def read_parameters(generation: Generation) -> dict[str, float]:
    """The thresholds of the definitions, by name."""
    return generation.cached(
        "parameters of pages",
        lambda: {row["name"]: row["value"] for row in generation.rows(_PARAMETERS)},
    )


def read_rules(generation: Generation, event: Row, flags: Sequence[Row]) -> list[Rule]:
    """The rules that an event was classed by.

    Args:
        generation: What to read.
        event: A row of `events`.
        flags: openpilot's events around it, as `moments.events_in_force` gives them.
    """
    if event["kind"] != "disengagement":
        return _override_rules(event, flags, has_press=_has_press(generation, event))
    wanted = {"drive_id": event["drive_id"], "engagement_num": event["engagement_num"]}
    found = generation.rows(_EVENTS, wanted)
    rows = generation.rows(_ACTIONS, wanted)
    return _end_rules(event, found, rows[0] if rows else {})


def _end_rules(event: Row, found: Sequence[Row], actions: Row) -> list[Rule]:
    names: dict[str, list[str]] = {row["rule"]: [] for row in found}
    for row in found:
        names[row["rule"]].append(row["name"])

    def of(*rules: str) -> list[str]:
        return [name for rule in rules for name in names.get(rule, [])]

    def done(*columns: str) -> list[str]:
        return [_ACTION_WORDS[column] for column in columns if actions.get(column)]

    drivers = [rule for rule in names if rule.startswith("driver_") and rule != _DRIVER_SOFT]
    by_steering = done("has_steering_disengage")
    by_number = {
        _END_OF_DRIVE: ("The drive ended: ignition off or park", [], []),
        _IMMEDIATE: ("An event with immediateDisable", of("system_immediate"), []),
        _SOFT: (
            "An event with softDisable, while softDisabling", of("system_soft", _DRIVER_SOFT), [],
        ),
        _USER: ("An event with userDisable", of(*drivers), by_steering),
        _CRUISE: ("The car's cruise ended", of("car_cruise"), done("cruise_fell")),
        _INFERRED: ("Pedals, buttons and gear alone", [], done(*_INFERRING)),
        _UNKNOWN: ("Nothing explains it", [], []),
    }  # fmt: skip
    chosen = _chosen(event, has_soft=bool(of(_DRIVER_SOFT)))
    return [
        Rule(title, events, done, number == chosen)
        for number, (title, events, done) in by_number.items()
        if number != _END_OF_DRIVE or chosen == _END_OF_DRIVE
    ]


def _chosen(event: Row, *, has_soft: bool) -> int:
    """The number of the rule that decided."""
    cause = event["cause"]
    numbers = {
        "end_of_drive": _END_OF_DRIVE,
        "system_immediate": _IMMEDIATE,
        "system_soft": _SOFT,
        "unknown": _UNKNOWN,
    }
    if cause in numbers:
        return numbers[cause]
    if cause == "driver_soft" and has_soft:
        return _SOFT
    if event["is_inferred"]:
        return _INFERRED
    return _CRUISE if cause == "car_cruise" else _USER


def _has_press(generation: Generation, event: Row) -> bool:
    """Whether wheel or accelerator were pressed as the override began."""
    is_lateral = event["kind"] == "lateral_override"
    column = "steering_pressed" if is_lateral else "gas_pressed"
    wanted = {"drive_id": event["drive_id"], "mono_ns": event["mono_ns"]}
    return bool(generation.rows(_PRESS.format(column=column), wanted)[0]["has_press"])


def _override_rules(event: Row, flags: Sequence[Row], *, has_press: bool) -> list[Rule]:
    is_lateral = event["kind"] == "lateral_override"
    axis, sensor = ("lateral", "wheel") if is_lateral else ("longitudinal", "accelerator")
    end_s = event["time_s"] + event["duration_s"]
    names = sorted(
        {
            flag["name"]
            for flag in flags
            if f"override_{axis}" in flag["flags"]
            and event["time_s"] - 1 <= flag["time_s"] <= end_s
        }
    )
    pressed = [f"the {sensor} was pressed for {event['duration_s']:.2f} s"]
    return [
        Rule(
            f"The driver presses the {sensor} long enough while engaged",
            [], pressed if has_press else [], has_press,
        ),
        Rule(
            f"An event with override{axis.capitalize()}, and no such press",
            names, [], not has_press,
        ),
    ]  # fmt: skip


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
