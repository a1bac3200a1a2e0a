"""Rates of drives that are no group of the views, with the limits that the view `rates` gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from engagement.store.query_types import Queryable

# The macro has the rule; sums of the drives come as lists, one row of theirs a list.
_QUERY = """
with

sums as (
    select unnest($sums, recursive := true)
),

whole as (
    select unnest($whole, recursive := true)
),

own_sums as (
    select
        sums.*,
        known_dispersion(
            totals.n_drives - whole.n_exposed_drives,
            totals.n_events - whole.n_exposed_events,
            totals.exposure - whole.exposure,
            totals.ratios - whole.ratios,
            totals.squares - whole.squares,
            totals.products - whole.products,
            totals.exposure_squares - whole.exposure_squares
        ) as known_dispersion
    from sums
    inner join whole on sums.place = whole.place
    left join event_totals as totals
        on totals.mode = 'engaged' and sums.event = totals.event and sums.unit = totals.unit
)

select rate, rate_lower, rate_upper, dispersion, dispersion_source
from rate_limits('own_sums')
order by place
"""


@dataclass(frozen=True, slots=True)
class Counted:
    """How often an event happened while engaged in each of some drives, and in what exposure.

    Attributes:
        event: As in `event_counts`.
        unit: `hour` or `100km`, which the exposure is in.
        n_events: Counts, a drive each.
        exposure: Of the drives, in the unit.
    """

    event: str
    unit: str
    n_events: NDArray[np.float64]
    exposure: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class RateLimits:
    """A rate, its 95 % limits and what they rest on; all None without exposure."""

    rate: float | None
    rate_lower: float | None
    rate_upper: float | None
    dispersion: float | None
    dispersion_source: str | None


def read_rate_limits(
    reader: Queryable, counted: Sequence[Counted], whole: Sequence[Counted] | None = None
) -> list[RateLimits]:
    """The rate of each with its limits, by what the drives of the database are like.

    `whole` are all of the drives of which parts are counted, if only parts are: other drives are
    those but these.
    """
    if not counted:
        return []
    sums, of_whole = (
        [{"place": place} | _sums(one) for place, one in enumerate(each)]
        for each in (counted, counted if whole is None else whole)
    )
    return [RateLimits(**row) for row in reader.rows(_QUERY, {"sums": sums, "whole": of_whole})]


def _sums(counted: Counted) -> dict[str, Any]:
    is_exposed = counted.exposure > 0
    n_events, exposure = counted.n_events[is_exposed], counted.exposure[is_exposed]
    return {
        "event": counted.event,
        "unit": counted.unit,
        "n_events": float(counted.n_events.sum()),
        "exposure": float(exposure.sum()),
        "n_exposed_drives": len(exposure),
        "n_exposed_events": float(n_events.sum()),
        "ratios": float((n_events**2 / exposure).sum()),
        "squares": float((n_events**2).sum()),
        "products": float((n_events * exposure).sum()),
        "exposure_squares": float((exposure**2).sum()),
    }
