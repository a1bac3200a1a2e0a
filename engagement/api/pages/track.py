"""Where a drive went: its GPS fixes as lines on flat ground, one for each run of a mode."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.api.pages.charts import Ground, ground
from engagement.api.pages.timelines import pins
from engagement.store import samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engagement.api.pages.timelines import Pin
    from engagement.store.serving import Generation

_MAX_POINTS = 1500
_GAP_S = 10.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """A line in one mode: its points as SVG has them."""

    mode: str
    points: str


@dataclass(frozen=True, slots=True)
class PlacedPin:
    """An event at its place on the map."""

    x: float
    y: float
    pin: Pin


@dataclass(frozen=True, slots=True)
class Track:
    """A drive on a map."""

    frame: Ground
    stretches: Sequence[Stretch]
    pins: Sequence[PlacedPin]
    start: tuple[float, float]
    end: tuple[float, float]
    first: Mapping[str, Any]
    last: Mapping[str, Any]


def read_track(
    generation: Generation, drive_id: int, events: Iterable[Mapping[str, Any]]
) -> Track | None:
    """The track of a drive with its rows of `events`; None without a fix.

    Raises:
        NotFoundError: If the drive has no samples.
    """
    fixes = samples.track(generation, drive_id, _MAX_POINTS)
    if not fixes:
        return None
    frame = ground([(fix["latitude"], fix["longitude"]) for fix in fixes])
    located = [row for row in events if row["latitude"] is not None]
    marks = [
        PlacedPin(*frame(row["latitude"], row["longitude"]), pin)
        for row, pin in zip(located, pins(located, 1.0), strict=True)
    ]
    return Track(
        frame,
        _stretches(fixes, frame),
        marks,
        frame(fixes[0]["latitude"], fixes[0]["longitude"]),
        frame(fixes[-1]["latitude"], fixes[-1]["longitude"]),
        fixes[0],
        fixes[-1],
    )


def _stretches(fixes: Iterable[Mapping[str, Any]], frame: Ground) -> list[Stretch]:
    """Lines that meet where the mode changes, and are broken where fixes are missing."""
    found: list[tuple[str, list[str]]] = []
    last_s = -math.inf
    for fix in fixes:
        point = ",".join(map(str, frame(fix["latitude"], fix["longitude"])))
        if fix["time_s"] - last_s > _GAP_S:
            found.append((fix["mode"], [point]))
        else:
            found[-1][1].append(point)
            if found[-1][0] != fix["mode"]:
                found.append((fix["mode"], [point]))
        last_s = fix["time_s"]
    return [Stretch(mode, " ".join(points)) for mode, points in found if len(points) > 1]
