"""Geometry of charts: positions in percent of the width and pixels of the height.

The templates draw them as SVG; text keeps its size however wide the page is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engagement.units import Units

_LEAST_SPAN = 1e-9
_NICE = (1, 2, 2.5, 5, 10)
_TIME_STEPS_S = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis, at `place` in its units."""

    place: float
    label: str


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear scale from values to places; `low` and `high` are the ends of the axis."""

    low: float
    high: float
    start: float = 0.0
    end: float = 100.0

    def __call__(self, value: float) -> float:
        """The place of a value, clamped to the axis."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        place = self.start + min(max(share, 0.0), 1.0) * (self.end - self.start)
        return round(place, 3)


def nice_step(span: float, n_ticks: int) -> float:
    """A round step that gives about so many ticks."""
    if span < _LEAST_SPAN:
        return 1.0
    raw = span / max(n_ticks, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(step * power for step in _NICE if step * power >= raw * (1 - 1e-9))


def value_axis(
    values: Iterable[float], *, start: float, end: float, n_ticks: int = 3
) -> tuple[Scale, list[Tick]]:
    """An axis from 0 that holds the values, and its ticks."""
    high = max([*values, 0.0])
    high = high if high >= _LEAST_SPAN else 1.0
    step = nice_step(high, n_ticks)
    top = max(math.ceil(high / step - 1e-9) * step, high)
    scale = Scale(0.0, top, start, end)
    ticks = [number * step for number in range(round(top / step) + 1)]
    return scale, [Tick(scale(tick), f"{tick:g}") for tick in ticks]


def time_axis(duration_s: float, n_ticks: int = 8) -> tuple[Scale, list[Tick]]:
    """An axis of a drive's seconds with round times; at most so many ticks."""
    scale = Scale(0.0, max(duration_s, 1e-9))
    step = next((s for s in _TIME_STEPS_S if duration_s / s <= n_ticks), _TIME_STEPS_S[-1])
    ticks = range(0, int(duration_s) + 1, step)
    return scale, [Tick(scale(tick), _clock(tick)) for tick in ticks]


def _clock(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    if hours:
        return f"{hours}:{rest // 60:02}:{rest % 60:02}"
    return f"{rest // 60}:{rest % 60:02}"


def log_scale(values: Iterable[float], limit: float = 32.0) -> tuple[float, list[float]]:
    """How far a symmetric axis of ratios about 1 has to reach, and its ticks: powers of two."""
    reach = max([abs(math.log2(v)) for v in values if v > 0 and math.isfinite(v)] + [1.0])
    n_steps = min(math.ceil(reach - 1e-9), round(math.log2(limit)))
    step = 1 if n_steps <= 2 else 2  # noqa: PLR2004 - five labels fit, more don't
    n_steps = math.ceil(n_steps / step) * step
    return 2.0**n_steps, [2.0**power for power in range(-n_steps, n_steps + 1, step)]


@dataclass(frozen=True, slots=True)
class Ground:
    """A flat map of a small area, in units of its own.

    A degree of longitude has the same width everywhere: that at the middle's latitude.
    """

    west: float
    north: float
    unit_per_degree: float
    narrowing: float
    width: float
    height: float

    def __call__(self, latitude: float, longitude: float) -> tuple[float, float]:
        """The point of a place: x to the right, y down."""
        x = (longitude - self.west) * self.narrowing * self.unit_per_degree
        y = (self.north - latitude) * self.unit_per_degree
        return round(x, 1), round(y, 1)

    @property
    def metres_per_unit(self) -> float:
        """How far a unit is."""
        return _METRES_PER_DEGREE / self.unit_per_degree

    def size(self, latitude_span: float) -> float:
        """How long so many degrees of latitude are."""
        return latitude_span * self.unit_per_degree


_LONGEST = 1000.0
_MIN_SPAN_DEGREES = 0.002
_MARGIN = 0.06
_METRES_PER_DEGREE = 111_320.0


def ground(places: Sequence[tuple[float, float]]) -> Ground:
    """A map around places, each a latitude and a longitude; at least one."""
    latitudes = [latitude for latitude, _ in places]
    longitudes = [longitude for _, longitude in places]
    narrowing = max(math.cos(math.radians((min(latitudes) + max(latitudes)) / 2)), 0.01)
    tall = max(max(latitudes) - min(latitudes), _MIN_SPAN_DEGREES)
    wide = max((max(longitudes) - min(longitudes)) * narrowing, _MIN_SPAN_DEGREES)
    tall, wide = max(tall, wide / 3), max(wide, tall / 2)
    margin = _MARGIN * max(tall, wide)
    north = (min(latitudes) + max(latitudes)) / 2 + tall / 2 + margin
    west = (min(longitudes) + max(longitudes)) / 2 - (wide / 2 + margin) / narrowing
    unit = _LONGEST / (max(tall, wide) + 2 * margin)
    return Ground(
        west,
        north,
        unit,
        narrowing,
        round((wide + 2 * margin) * unit, 1),
        round((tall + 2 * margin) * unit, 1),
    )


def scale_bar(units: Units, frame: Ground) -> tuple[float, str]:
    """A length on the map, about a fifth of its width, and how far that is."""
    metres_per_unit = frame.metres_per_unit
    raw_m = frame.width * metres_per_unit / 5
    is_far = raw_m / 1000 * units.distance.per_si >= 1
    unit, metres = (units.distance, 1000.0) if is_far else (units.length, 1.0)
    metres /= unit.per_si
    power = 10.0 ** math.floor(math.log10(raw_m / metres))
    number = max(step * power for step in (1, 2, 5) if step * power * metres <= raw_m)
    return round(number * metres / metres_per_unit, 1), f"{number:g} {unit.name}"
