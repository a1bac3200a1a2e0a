"""How drives went over time: by week, this month beside the last, and the best of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from engagement.api.pages.charts import Scale, Tick, value_axis
from engagement.api.pages.totals import drive_rates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from engagement.store.serving import Generation
    from engagement.units import Units

    Row = dict[str, Any]

_MAX_WEEKS = 40
_N_LABELS = 4
_WEEK_DAYS = 7
_AXIS_OVER_RATES = 1.3

DATED = """
select
    date_trunc('week', started_at)::date as week,
    date_trunc('month', started_at)::date as month,
    is_imported,
    known_s,
    moving_s,
    engaged_s,
    distance_km,
    engaged_km,
    n_interventions,
    n_unplanned_interventions
from {drives}
where started_at is not null and {where}
order by week, drive_id
"""
# The best of each kind: its words, how far or how long, and the drive that it is of.
BESTS = (
    """
select 'Longest way engaged without an intervention' as words, best.engaged_km, drives.*
exclude (engaged_km)
from clean_stretches as best
inner join {drives} as drives on best.drive_id = drives.drive_id
where best.engaged_km > 0 and best.drive_id in (select drive_id from {drives} where {where})
order by best.engaged_km desc, best.drive_id, best.stretch_num
limit 1
""",
    """
select 'Longest engagement' as words, best.distance_km as engaged_km, drives.*
exclude (engaged_km)
from engagements as best
inner join {drives} as drives on best.drive_id = drives.drive_id
where best.mode = 'engaged' and best.drive_id in (select drive_id from {drives} where {where})
order by best.distance_km desc nulls last, best.drive_id, best.engagement_num
limit 1
""",
)


@dataclass(frozen=True, slots=True)
class Week:
    """A week with drives, and the places of its marks; None without exposure.

    Attributes:
        row: What its drives were like.
        x: Its place in time.
        share: Of the time engaged.
        rate: Of interventions.
        low: The lower end of its interval.
        high: The upper end, or that of the axis.
        is_cut: Whether the interval goes on beyond the axis.
        follows: Whether the week before had drives too.
    """

    row: Mapping[str, Any]
    x: float
    share: float | None
    rate: float | None
    low: float | None
    high: float | None
    is_cut: bool
    follows: bool


@dataclass(frozen=True, slots=True)
class Trend:
    """Weeks with drives, the oldest first, each at its place in time."""

    weeks: Sequence[Week]
    share_ticks: Sequence[Tick]
    rate_ticks: Sequence[Tick]
    labels: Sequence[Tick]


def make_trend(generation: Generation, drives: Sequence[Row], units: Units) -> Trend:
    """The newest weeks of some drives, rows of `DATED`."""
    by_week = dict(list(_by(drives, "week").items())[-_MAX_WEEKS:])
    rows = _with_rates(generation, by_week)
    shares, share_ticks = Scale(0.0, 1.0, 96.0, 8.0), (0.0, 0.5, 1.0)
    tallest = [units.per_distance(row["interventions_per_100km"]) or 0.0 for row in rows]
    rates, rate_ticks = value_axis(
        [high * _AXIS_OVER_RATES for high in tallest], start=96.0, end=8.0
    )
    first = rows[0]["start"] if rows else None
    numbers = [(row["start"] - first).days // _WEEK_DAYS for row in rows]
    n_weeks = numbers[-1] + 1 if rows else 1
    places = Scale(0.0, float(n_weeks))
    step = max(1, -(-n_weeks // _N_LABELS))
    return Trend(
        [
            _marks(row, places(number + 0.5), shares, rates, units, follows=number - 1 in numbers)
            for row, number in zip(rows, numbers, strict=True)
        ],
        [Tick(shares(tick), f"{tick * 100:.0f} %") for tick in share_ticks],
        rate_ticks,
        [
            Tick(places(number + 0.5), _day(first + timedelta(weeks=number)))
            for number in range((n_weeks - 1) % step, n_weeks, step)
            if first is not None
        ],
    )


def read_months(generation: Generation, drives: Sequence[Row]) -> list[Row]:
    """The month of the newest drive, and the one before it; nothing where one has no drive."""
    by_month = _by(drives, "month")
    this = max(by_month, default=None)
    last = (this - timedelta(days=1)).replace(day=1) if this else None
    if this is None or last not in by_month:
        return []
    return _with_rates(generation, {month: by_month[month] for month in (this, last)})


def _by(drives: Sequence[Row], span: str) -> dict[date, list[Row]]:
    found: dict[date, list[Row]] = {}
    for row in drives:
        found.setdefault(row[span], []).append(row)
    return dict(sorted(found.items()))


def _with_rates(generation: Generation, spans: Mapping[date, Sequence[Row]]) -> list[Row]:
    """What the drives of each week or month were like."""
    counted = [[row for row in found if not row["is_imported"]] for found in spans.values()]
    rates = drive_rates(generation, counted)
    return [
        _sums(start, found) | rate
        for (start, found), rate in zip(spans.items(), rates, strict=True)
    ]


def _day(value: date) -> str:
    return f"{value:%d %b %Y}".lstrip("0")


def _has_moved(drive: Row) -> bool:
    """Whether a drive was one: a car that stands all the time is not driven without openpilot."""
    moving = drive["moving_s"] if drive["moving_s"] is not None else drive["distance_km"]
    return bool(drive["engaged_s"]) or moving is None or moving > 0


def _sums(start: date, drives: Sequence[Row]) -> Row:
    known_s = sum(row["known_s"] or 0.0 for row in drives)
    engaged_s = sum(row["engaged_s"] or 0.0 for row in drives)
    is_share_known = known_s and any(map(_has_moved, drives))
    return {
        "start": start,
        "n_drives": len(drives),
        "engaged_fraction": engaged_s / known_s if is_share_known else None,
        "distance_km": sum(row["distance_km"] or 0.0 for row in drives),
        "engaged_km": sum(row["engaged_km"] or 0.0 for row in drives),
        "n_interventions": sum(row["n_interventions"] or 0 for row in drives),
        "n_unplanned_interventions": sum(row["n_unplanned_interventions"] or 0 for row in drives),
    }


def _marks(row: Row, x: float, shares: Scale, rates: Scale, units: Units, *, follows: bool) -> Week:
    def place(scale: Scale, value: float | None) -> float | None:
        return None if value is None else scale(value)

    share, name = row["engaged_fraction"], "interventions_per_100km"
    rate, low, high = (units.per_distance(row[f"{name}{end}"]) for end in ("", "_lower", "_upper"))
    return Week(
        row,
        x,
        place(shares, share),
        place(rates, rate),
        place(rates, low),
        place(rates, high),
        is_cut=high is not None and high > rates.high,
        follows=follows,
    )
