"""The evidence of a comparison after every drive, drawn up to the limit at which it tells."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.api.pages.charts import Scale, Tick, nice_step

if TYPE_CHECKING:
    from engagement.analysis.sequential import Look, Sequence

_TOP, _BOTTOM = 8.0, 96.0  # px
_START, _END = 1.0, 99.0  # %
_LEAST_E = 0.1
_MOST_E = 1e6  # what is beyond is drawn there
_N_LABELS = 5


@dataclass(frozen=True, slots=True)
class Point:
    """A look: its place, and what a reader sees on pointing at it."""

    x: float
    y: float
    title: str


@dataclass(frozen=True, slots=True)
class LooksChart:
    """Looks from left to right; `limit` is the height of the line, `decided` the first beyond."""

    points: list[Point]
    limit: float
    decided: Point | None
    ticks: list[Tick]
    labels: list[Tick]


def draw_looks(sequence: Sequence) -> LooksChart | None:
    """The chart, which takes two looks at enough drives."""
    looks = [look for look in sequence.looks if not look.is_too_few]
    if len(looks) < 2:  # noqa: PLR2004
        return None
    height, ticks = _heights(sequence)
    sizes = [look.n_a + look.n_b for look in looks]
    width = Scale(float(sizes[0]), float(sizes[-1]), _START, _END)
    points = [
        Point(width(size), height(_level(sequence, look.evidence)), _title(look))
        for size, look in zip(sizes, looks, strict=True)
    ]
    step = max(1, round(nice_step(sizes[-1] - sizes[0], _N_LABELS)))
    first = -(-sizes[0] // step) * step
    return LooksChart(
        points,
        height(_level(sequence, sequence.limit)),
        _decided(sequence, looks, points),
        ticks,
        [Tick(width(size), str(size)) for size in range(first, sizes[-1] + 1, step)],
    )


def _decided(sequence: Sequence, looks: list[Look], points: list[Point]) -> Point | None:
    if sequence.decided is None:
        return None
    return points[looks.index(sequence.looks[sequence.decided])]


def _heights(sequence: Sequence) -> tuple[Scale, list[Tick]]:
    """An axis that holds all looks and the limit: e-values by powers of ten."""
    highest = max([sequence.limit * 1.5, *(look.evidence for look in sequence.looks)])
    if sequence.method == "line":
        scale = Scale(0.0, highest, _BOTTOM, _TOP)
        return scale, [Tick(scale(value), f"{value:g}") for value in (0.0, sequence.limit)]
    high = min(math.log10(highest), math.log10(_MOST_E))
    scale = Scale(math.log10(_LEAST_E), high, _BOTTOM, _TOP)
    return scale, [Tick(scale(math.log10(value)), f"{value:g}") for value in (_LEAST_E, 1.0, 20.0)]


def _level(sequence: Sequence, evidence: float) -> float:
    """Where evidence is on the axis."""
    if sequence.method == "line":
        return max(evidence, 0.0)
    return math.log10(min(max(evidence, _LEAST_E), _MOST_E))


def _title(look: Look) -> str:
    return f"{look.n_a} drives of A, {look.n_b} of B: {look.evidence:.3g}"
