"""Drives as cards: where each went in outline, its worst event, whether there is a video of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.api.pages.charts import ground
from engagement.api.pages.road import filmed
from engagement.api.pages.timelines import read_modes, strips
from engagement.export.places import nearest_name
from engagement.store.given_names import read_places

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engagement.api.pages.charts import Ground
    from engagement.api.pages.timelines import Strip
    from engagement.store.serving import Generation

    Row = dict[str, Any]

_STEP_NS = 5_000_000_000
_MAX_POINTS = 60
_FIXES = """
select
    drive_id,
    mono_ns // {step_ns} as step,
    arg_min(latitude, mono_ns) as latitude,
    arg_min(longitude, mono_ns) as longitude
from staging.fixes
where drive_id in ({drives})
group by drive_id, mono_ns // {step_ns}
order by drive_id, step
"""
_WORST = """
select drive_id, event_id, kind, cause, severity, is_critical
from {events}
where drive_id in ({drives}) and severity is not null and cause is distinct from 'end_of_drive'
qualify
    row_number() over (
        partition by drive_id
        order by coalesce(is_critical, false) desc, severity desc, mono_ns, kind
    ) = 1
"""


@dataclass(frozen=True, slots=True)
class Outline:
    """Where a drive went, as a line without modes; the names of its ends where they have one."""

    frame: Ground
    points: str
    ends: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Trips:
    """What cards of some drives show beside their rows, each by the drive's number."""

    strips: Mapping[int, Sequence[Strip]]
    outlines: Mapping[int, Outline]
    worst: Mapping[int, Row]
    filmed: frozenset[int]


def read_trips(generation: Generation, drive_ids: Sequence[int]) -> Trips:
    """What the cards of these drives show."""
    drives = ", ".join(map(str, drive_ids)) or "null"
    worst = generation.rows(_WORST.format(events=generation.in_memory("events"), drives=drives))
    modes = read_modes(generation, drive_ids)
    return Trips(
        {drive_id: strips(runs) for drive_id, runs in modes.items()},
        _outlines(generation, drives),
        {row["drive_id"]: row for row in worst},
        frozenset(filmed(generation, drive_ids)),
    )


def _outlines(generation: Generation, drives: str) -> dict[int, Outline]:
    named = read_places(generation)
    fixes: dict[int, list[Row]] = {}
    for row in generation.rows(_FIXES.format(step_ns=_STEP_NS, drives=drives)):
        fixes.setdefault(row["drive_id"], []).append(row)
    return {drive_id: _outline(rows, named) for drive_id, rows in fixes.items()}


def _outline(fixes: Sequence[Row], named: Iterable[Row]) -> Outline:
    step = -(-len(fixes) // _MAX_POINTS)
    places = [(row["latitude"], row["longitude"]) for row in (*fixes[::step], fixes[-1])]
    frame = ground(places)
    ends = (nearest_name(*places[0], named) or "", nearest_name(*places[-1], named) or "")
    points = " ".join(f"{x:g},{y:g}" for x, y in (frame(*place) for place in places))
    return Outline(frame, points, ends)
