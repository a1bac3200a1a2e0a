"""Drives as cards: where each went in outline, its worst event, whether there is a video of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.api.pages.charts import ground
from engagement.api.pages.page_formats import fixed
from engagement.api.pages.road import filmed
from engagement.api.pages.timelines import read_modes, strips
from engagement.export.places import nearest_name
from engagement.store.given_names import read_places

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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
    """Where a drive went, as a line without modes; its ends by name, else by coordinates."""

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
    ways, named = read_ways(generation, drive_ids), read_places(generation)
    return Trips(
        {drive_id: strips(runs) for drive_id, runs in modes.items()},
        {drive_id: _outline(way, named) for drive_id, way in ways.items()},
        {row["drive_id"]: row for row in worst},
        frozenset(filmed(generation, drive_ids)),
    )


def read_ways(
    generation: Generation, drive_ids: Sequence[int], max_points: int = _MAX_POINTS
) -> dict[int, list[tuple[float, float]]]:
    """Where drives went, each by some latitudes and longitudes in order; none without a fix."""
    drives = ", ".join(map(str, drive_ids)) or "null"
    fixes: dict[int, list[tuple[float, float]]] = {}
    for row in generation.rows(_FIXES.format(step_ns=_STEP_NS, drives=drives)):
        fixes.setdefault(row["drive_id"], []).append((row["latitude"], row["longitude"]))
    return {
        drive_id: [*places[:: -(-len(places) // max_points)], places[-1]]
        for drive_id, places in fixes.items()
    }


def _outline(places: Sequence[tuple[float, float]], named: Sequence[Row]) -> Outline:
    frame = ground(places)
    ends = _end(*places[0], named), _end(*places[-1], named)
    points = " ".join(f"{x:g},{y:g}" for x, y in (frame(*place) for place in places))
    return Outline(frame, points, ends)


def _end(latitude: float, longitude: float, named: Sequence[Row]) -> str:
    """What an end of a drive is called; to some 100 m where it has no name."""
    name = nearest_name(latitude, longitude, named)
    return name or f"{fixed(latitude, 3)}, {fixed(longitude, 3)}"
