"""How often an event happens in groups of drives, each rate with its interval."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from engagement.analysis.measures import event_label
from engagement.analysis.rates import MODES, place, shipped_note, usual_mode
from engagement.analysis.wording import as_sentence
from engagement.api.pages.charts import Scale, Tick, value_axis
from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.pages.unit_choice import page_units
from engagement.api.problems import ParameterError
from engagement.api.request_filters import MAX_LENGTH
from engagement.errors import suggestion
from engagement.groupings import OPTIONS, parse_crossing
from engagement.store.query_types import Narrowing
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engagement.groupings import Crossing
    from engagement.units import Units

    Row = Mapping[str, Any]

_PER = ("100km", "hour")
_USUAL = "intervention"
_MAX_LISTED = 200
_WIDEST = 3.0  # times the highest rate; a limit beyond is cut off, or one wide interval hides all

_RATES = "from rates where grouped_by = $by and mode = $mode"


@dataclass(frozen=True, slots=True)
class Whisker:
    """Where a rate and its limits are on the axis."""

    x: float
    low: float
    high: float
    is_beyond: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What the form asks for, checked; an empty event is the usual one."""

    crossing: Crossing
    mode: str
    event: str
    per: str


@get("/rates", sync_to_thread=True)
def get_rates(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    *,
    by: FromQuery[str] = "version",
    also: FromQuery[str] = "",
    event: FromQuery[str] = "",
    mode: FromQuery[str] = "",
    per: FromQuery[str] = "100km",
) -> Response[bytes]:
    """List groups by one dimension, or by two, with the rate of an event."""
    for name, text in (("by", by), ("also", also), ("event", event)):
        if len(text) > MAX_LENGTH:
            raise ParameterError(name, f"it has more than {MAX_LENGTH} letters")
    for name, text, known in (("mode", mode, ("", *MODES)), ("per", per, _PER)):
        if text not in known:
            raise ParameterError(name, f"{text!r} is none of {', '.join(filter(None, known))}")
    crossing = parse_crossing(f"{by},{also}" if also and also != by else by)
    asked = Asked(crossing, mode or usual_mode(crossing), event, per)
    units = page_units(request, generation)
    return page(request, generation, "rates.html", lambda: _read(generation, asked, units))


def _read(generation: Generation, asked: Asked, units: Units) -> dict[str, Any]:
    crossing = asked.crossing
    # A file of an older engagement has groups of one dimension alone.
    narrowing = Narrowing(crossing=crossing) if generation.is_current else None
    values = {"by": crossing.name, "mode": asked.mode}
    found = generation.rows(_RATES, values, narrowing=narrowing)
    events = sorted({row["event"] for row in found})
    asked = replace(asked, event=_event(asked.event, events))
    rows = [row for row in found if row["event"] == asked.event]
    rows.sort(key=partial(place, crossing))
    column = f"per_{asked.per}"
    scale, ticks = _axis(rows, column, units)
    return {
        "asked": asked,
        "heading": event_label(asked.event),
        "crossed": (*crossing.option.split(","), "")[:2],
        "dimensions": ["all", *OPTIONS],
        "modes": MODES,
        "events": events,
        "column": column,
        "rows": [(row, _whisker(row, column, scale, units)) for row in rows[:_MAX_LISTED]],
        "n_groups": len(rows),
        "shipped": as_sentence(shipped) if (shipped := shipped_note(rows, [column])) else "",
        "ticks": ticks,
    }


def _event(name: str, events: Sequence[str]) -> str:
    """The event that is asked for; of drives that lack the usual one, the first that they have.

    Raises:
        ParameterError: If there is none of that name.
    """
    if not name:
        return _USUAL if _USUAL in events else next(iter(events), _USUAL)
    if events and name not in events:
        near = suggestion(name, events)
        raise ParameterError("event", f"nothing is counted as {name!r}{near}")
    return name


def _shown(row: Row, column: str, units: Units) -> float | None:
    """A rate in the reader's units."""
    value: float | None = row[column]
    return units.per_distance(value) if column.startswith("per_100km") else value


def _axis(rows: Sequence[Row], column: str, units: Units) -> tuple[Scale, list[Tick]]:
    rates = [_shown(row, column, units) or 0.0 for row in rows]
    uppers = [_shown(row, f"{column}_upper", units) or 0.0 for row in rows]
    top = _WIDEST * max(rates, default=0.0) or max(uppers, default=0.0)
    return value_axis([min(upper, top) for upper in uppers], start=2.0, end=98.0)


def _whisker(row: Row, column: str, scale: Scale, units: Units) -> Whisker | None:
    rate, low, high = (_shown(row, f"{column}{end}", units) for end in ("", "_lower", "_upper"))
    if rate is None or low is None or high is None:
        return None
    return Whisker(scale(rate), scale(low), scale(high), is_beyond=high > scale.high)
