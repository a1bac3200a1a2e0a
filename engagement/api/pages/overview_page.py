"""The fleet, or one device: how much was engaged, how often drivers intervened, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency

from engagement.api.pages.lengths import read_curve
from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.pages.selection import FIELDS, read_form
from engagement.api.pages.timelines import read_modes, strips
from engagement.api.pages.totals import read_totals
from engagement.api.pages.trend import BESTS, DATED, make_trend, read_months
from engagement.api.pages.unit_choice import page_units
from engagement.api.pages.words import choice_words
from engagement.filters import Selection
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from engagement.units import Units

    Row = dict[str, Any]

_N_NEWEST = 8
_N_WORST = 6

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
    newest, dated = rows(_NEWEST, _N_NEWEST), rows(DATED)
    modes = read_modes(generation, [row["drive_id"] for row in newest])
    return {
        "title": _title(selection, units),
        "group": group,
        "rates": rates,
        "trend": make_trend(generation, dated, units),
        "months": read_months(generation, dated),
        "bests": [best for query in BESTS for best in rows(query)] if generation.is_current else [],
        "bands": rows(_BANDS),
        "curve": read_curve(generation, selection),
        "causes": rows(_CAUSES),
        "worst": rows(_WORST, _N_WORST),
        "newest": newest,
        "strips": {drive_id: strips(runs) for drive_id, runs in modes.items()},
        "imported": rows(_IMPORTED)[0],
    }


def _title(selection: Selection, units: Units) -> str:
    """What the page is about: the first that drives have in common."""
    for name, one in FIELDS.items():
        if one.kind is str and selection[name]:
            return f"{one.label} {choice_words(units.device, selection[name], name)}"
    return "All devices"
