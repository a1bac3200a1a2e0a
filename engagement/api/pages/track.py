"""Where a drive went: its GPS fixes as lines on flat ground, one for each run of a mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.api.pages.charts import Ground, ground
from engagement.api.pages.timelines import pins
from engagement.export.tracks import stretches
from engagement.store import samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engagement.api.pages.timelines import Pin
    from engagement.store.serving import Generation

_MAX_POINTS = 1500


@dataclass(frozen=True, slots=True)
class Line:
    """A line in one mode: its points as SVG has them, and the time of each."""

    mode: str
    points: str
    times_s: str


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
    stretches: Sequence[Line]
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
        _lines(fixes, frame),
        marks,
        frame(fixes[0]["latitude"], fixes[0]["longitude"]),
        frame(fixes[-1]["latitude"], fixes[-1]["longitude"]),
        fixes[0],
        fixes[-1],
    )


def _lines(fixes: Iterable[Mapping[str, Any]], frame: Ground) -> list[Line]:
    return [
        Line(
            stretch.mode,
            " ".join(
                ",".join(map(str, frame(fix["latitude"], fix["longitude"])))
                for fix in stretch.fixes
            ),
            " ".join(f"{fix['time_s']:.1f}" for fix in stretch.fixes),
        )
        for stretch in stretches(fixes)
    ]
