"""How long engagements last: the curve of `engagement_lengths` as steps in a square of 100."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engagement.api.pages.charts import Scale, Tick, time_axis
from engagement.groupings import parse_crossing
from engagement.store.query_types import Narrowing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engagement.filters import Selection
    from engagement.store.serving import Generation

    Row = Mapping[str, Any]

_MAX_STEPS = 200
_SHOWN_FRACTION = 0.02  # the axis ends where a smaller share is left
_N_TICKS = 6

_CURVE = """
select duration_s, survival_fraction, survival_lower_fraction, survival_upper_fraction
from engagement_lengths
where grouped_by = $grouped_by and group_name = $group_name
order by duration_s
"""


@dataclass(frozen=True, slots=True)
class Curve:
    """The curve and the band of its interval as SVG paths, and the ticks of the time axis."""

    line: str
    band: str
    ticks: Sequence[Tick]
    halves: Sequence[Row]


def read_curve(generation: Generation, selection: Selection) -> Curve | None:
    """The curve of a group of the views; None for other selections, and if no engagement ended."""
    if selection.group is None:
        return None
    grouped_by, group_name = selection.group
    asked = Narrowing(crossing=parse_crossing(grouped_by)) if generation.is_current else None
    wanted = {"grouped_by": grouped_by, "group_name": group_name}
    rows = generation.rows(_CURVE, wanted, narrowing=asked)
    if not rows:
        return None
    shown = [row for row in rows if row["survival_fraction"] >= _SHOWN_FRACTION] or rows[:1]
    step = -(-len(shown) // _MAX_STEPS)
    thinned = [*shown[:-1:step], shown[-1]]
    axis, ticks = time_axis(shown[-1]["duration_s"], _N_TICKS)
    middle = _corners(thinned, axis, "survival_fraction")
    lower = _corners(thinned, axis, "survival_lower_fraction")
    upper = _corners(thinned, axis, "survival_upper_fraction")
    return Curve(_path(middle), f"{_path([*upper, *reversed(lower)])}Z", ticks, _halves(rows))


def _corners(rows: Iterable[Row], axis: Scale, column: str) -> list[tuple[float, float]]:
    """The corners of a step curve; an unknown limit keeps its last value."""
    found = [(0.0, 0.0)]
    for row in rows:
        x = axis(row["duration_s"])
        y = found[-1][1] if row[column] is None else round(100 * (1 - row[column]), 2)
        found += [(x, found[-1][1]), (x, y)]
    return found


def _path(corners: Iterable[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in corners)


def _halves(rows: Sequence[Row]) -> list[Row]:
    """The times at which three quarters, half and a quarter are left."""
    found: list[Row] = []
    for fraction in (0.75, 0.5, 0.25):
        row = next((r for r in rows if round(r["survival_fraction"], 12) <= fraction), None)
        if row is not None:
            found.append({"fraction": fraction, "duration_s": row["duration_s"]})
    return found
