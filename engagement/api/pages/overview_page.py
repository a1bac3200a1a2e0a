"""The fleet, or one device: how much was engaged, how often drivers intervened, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency

from engagement.api.pages.charts import Scale, Tick, value_axis
from engagement.api.pages.lengths import read_curve
from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.pages.selection import FIELDS, read_form
from engagement.api.pages.timelines import read_modes, strips
from engagement.api.pages.totals import drive_rates, read_totals
from engagement.api.pages.unit_choice import page_units
from engagement.filters import Selection
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engagement.units import Units

    Row = dict[str, Any]

_MAX_WEEKS = 40
_N_LABELS = 4
_N_NEWEST = 8
_N_WORST = 6

_WEEKS = """
select
    date_trunc('week', started_at)::date as week,
    is_imported,
    known_s,
    engaged_s,
    engaged_km,
    n_interventions,
    n_unplanned_interventions
from {drives}
where started_at is not null and {where}
order by week, drive_id
"""
_BANDS = """
with chosen as (select drive_id, is_imported from {drives} where {where}),

counts as (
    select
        speed_band,
        sum(n_events) filter (where event = 'intervention')::bigint as n_interventions,
        sum(n_events) filter (where event = 'unplanned_intervention')::bigint as n_unplanned
    from event_counts
    where
        mode = 'engaged'
        and event in ('intervention', 'unplanned_intervention')
        and drive_id in (select drive_id from chosen)
    group by speed_band
)

select
    bands.speed_band,
    sum(bands.known_s)::double / 3600 as known_h,
    sum(bands.engaged_s)::double / 3600 as engaged_h,
    sum(bands.engaged_s)::double / nullif(sum(bands.known_s), 0) as engaged_fraction,
    sum(bands.distance_km)::double as distance_km,
    sum(bands.engaged_km)::double as engaged_km,
    coalesce(any_value(counts.n_interventions), 0) as n_interventions,
    coalesce(any_value(counts.n_unplanned), 0) as n_unplanned_interventions,
    coalesce(any_value(counts.n_interventions), 0) * 100
    / nullif(sum(bands.engaged_km) filter (where not chosen.is_imported), 0)
        as interventions_per_100km
from speed_bands as bands
inner join chosen on bands.drive_id = chosen.drive_id
left join counts on bands.speed_band = counts.speed_band
group by bands.speed_band
order by list_position(['city', 'road', 'highway'], bands.speed_band)
"""
_CAUSES = """
select
    cause,
    count(*) as n_disengagements,
    count(*) filter (where is_counted) as n_counted
from disengagements
where mode = 'engaged' and drive_id in (select drive_id from {drives} where {where})
group by cause
order by n_disengagements desc, cause
"""
_WORST = """
select event_id, drive_id, dongle_id, drive, kind, cause, time_s, severity, is_critical, speed_mps
from {events}
where severity is not null and drive_id in (select drive_id from {drives} where {where})
order by severity desc, event_id
limit {limit}
"""
_NEWEST = """
from {drives}
where {where}
order by started_at desc nulls last, drive desc, dongle_id
limit {limit}
"""
_IMPORTED = """
select
    count(*)::bigint as n_drives,
    coalesce(fsum(known_s), 0) / 3600 as known_h,
    coalesce(fsum(engaged_s), 0) / 3600 as engaged_h,
    fsum(engaged_s) / nullif(fsum(known_s), 0) as engaged_fraction,
    coalesce(fsum(distance_km), 0) as distance_km,
    coalesce(fsum(engaged_km), 0) as engaged_km,
    fsum(engaged_km) / nullif(fsum(distance_km), 0) as distance_engaged_fraction
from {drives}
where is_imported and {where}
"""


@dataclass(frozen=True, slots=True)
class Week:
    """A week with drives, and the places of its marks; None without exposure."""

    row: Mapping[str, Any]
    x: float
    share: float | None
    rate: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """Weeks with drives, the oldest first, side by side."""

    weeks: Sequence[Week]
    share_ticks: Sequence[Tick]
    rate_ticks: Sequence[Tick]
    labels: Sequence[Tick]


@get("/", sync_to_thread=True)
def get_overview(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    selection: NamedDependency[Selection],
) -> Response[bytes]:
    """Show what the drives were like."""
    form = read_form(generation, selection)
    units = page_units(request, generation)
    return page(
        request, generation, "overview.html", lambda: form | _read(generation, selection, units)
    )


def _read(generation: Generation, selection: Selection, units: Units) -> dict[str, Any]:
    def rows(query: str, limit: int = 0) -> list[Row]:
        names = {view: generation.in_memory(view) for view in ("drives", "events")}
        text = query.format(**names, where=selection.where, limit=limit)
        return generation.rows(text, selection.values)

    group, rates = read_totals(generation, selection)
    newest = rows(_NEWEST, _N_NEWEST)
    modes = read_modes(generation, [row["drive_id"] for row in newest])
    return {
        "title": _title(selection),
        "group": group,
        "rates": rates,
        "trend": _trend(generation, rows(_WEEKS), units),
        "bands": rows(_BANDS),
        "curve": read_curve(generation, selection),
        "causes": rows(_CAUSES),
        "worst": rows(_WORST, _N_WORST),
        "newest": newest,
        "strips": {drive_id: strips(runs) for drive_id, runs in modes.items()},
        "imported": rows(_IMPORTED)[0],
    }


def _title(selection: Selection) -> str:
    """What the page is about: the first that drives have in common."""
    named = (one for one in FIELDS.values() if one.kind is str and selection[one.name])
    return next((f"{one.label} {selection[one.name]}" for one in named), "All devices")


def _trend(generation: Generation, drives: Sequence[Row], units: Units) -> Trend:
    drives_by_week: dict[Any, list[Row]] = {}
    for row in drives:
        drives_by_week.setdefault(row["week"], []).append(row)
    newest = dict(list(drives_by_week.items())[-_MAX_WEEKS:])
    counted = [[row for row in found if not row["is_imported"]] for found in newest.values()]
    rates_by_week = zip(newest, drive_rates(generation, counted), strict=True)
    rows = [_week(week, newest[week]) | rate for week, rate in rates_by_week]
    shares, share_ticks = Scale(0.0, 1.0, 96.0, 8.0), (0.0, 0.5, 1.0)
    tallest = [units.per_distance(row["interventions_per_100km"]) or 0.0 for row in rows]
    rates, rate_ticks = value_axis([high * 1.3 for high in tallest], start=96.0, end=8.0)
    places = Scale(0.0, float(len(rows)))
    step = max(1, -(-len(rows) // _N_LABELS))
    return Trend(
        [
            _marks(row, places(number + 0.5), shares, rates, units)
            for number, row in enumerate(rows)
        ],
        [Tick(shares(tick), f"{tick * 100:.0f} %") for tick in share_ticks],
        rate_ticks,
        [
            Tick(places(number + 0.5), f"{row['week']:%d %b %Y}".lstrip("0"))
            for number, row in enumerate(rows)
            if (len(rows) - 1 - number) % step == 0
        ],
    )


def _week(week: Any, drives: Sequence[Row]) -> Row:
    known_s = sum(row["known_s"] or 0.0 for row in drives)
    engaged_s = sum(row["engaged_s"] or 0.0 for row in drives)
    return {
        "week": week,
        "n_drives": len(drives),
        "engaged_fraction": engaged_s / known_s if known_s else None,
        "engaged_km": sum(row["engaged_km"] or 0.0 for row in drives),
        "n_interventions": sum(row["n_interventions"] or 0 for row in drives),
        "n_unplanned_interventions": sum(row["n_unplanned_interventions"] or 0 for row in drives),
    }


def _marks(row: Row, x: float, shares: Scale, rates: Scale, units: Units) -> Week:
    def place(scale: Scale, value: float | None) -> float | None:
        return None if value is None else scale(value)

    return Week(
        row,
        x,
        place(shares, row["engaged_fraction"]),
        *(
            place(rates, units.per_distance(row[f"interventions_per_100km{limit}"]))
            for limit in ("", "_lower", "_upper")
        ),
    )
