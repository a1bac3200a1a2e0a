"""Totals of a selection of drives, from the views if they have it as a group.

Other selections, as the drives between two days, are summed here by the same rules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engagement.analysis.measures import read_measures
from engagement.analysis.rate_limits import Counted, read_rate_limits
from engagement.groupings import parse_crossing
from engagement.store.query_types import Narrowing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engagement.analysis.rate_limits import RateLimits
    from engagement.filters import Selection
    from engagement.store.serving import Generation

    Row = dict[str, Any]

# Events of `rates` that the overview shows, and the measure that counts the same.
EVENTS = {
    "intervention": "interventions",
    "unplanned_intervention": "unplanned_interventions",
    "disengagement_counted": "disengagements_counted",
    "system_disengagement": "system_disengagements",
    "critical_event": "critical_events",
}

_GROUP = """
select
    count(*)::bigint as n_drives,
    count(*) filter (where log_kind <> 'rlog')::bigint as n_qlog_drives,
    count(*) filter (where is_imported)::bigint as n_imported_drives,
    coalesce(fsum(known_s), 0) / 3600 as known_h,
    coalesce(fsum(engaged_s), 0) / 3600 as engaged_h,
    coalesce(fsum(distance_km), 0) as distance_km,
    coalesce(fsum(engaged_km), 0) as engaged_km,
    fsum(engaged_s) / nullif(fsum(known_s), 0) as engaged_fraction,
    fsum(moving_engaged_s) / nullif(fsum(moving_s), 0) as moving_engaged_fraction,
    fsum(engaged_km) / nullif(fsum(case when is_imported then distance_km else known_km end), 0)
        as distance_engaged_fraction,
    fsum(lateral_only_s) / nullif(fsum(known_s) filter (where not is_imported), 0)
        as lateral_only_fraction,
    count(*) filter (where engaged_s > 0 and not is_imported)::bigint as n_engaged_drives,
    count(*) filter (where engaged_s > 0 and n_interventions = 0)::bigint as n_clean_drives,
    coalesce(list(drive_id order by drive_id), []) as drive_ids
from {drives}
where {where}
"""
_FROM_VIEW = "from {groups} where grouped_by = $grouped_by and group_name = $group_name"


def read_totals(generation: Generation, selection: Selection) -> tuple[Row | None, dict[str, Row]]:
    """Shares and totals with the columns of `groups`, and rates by event with those of `rates`.

    The first is None where there is no drive with logs; what only the views have is missing where
    they have no such group.
    """
    if selection.group:
        group, rates = _read_views(generation, *selection.group)
        if group and group["n_drives"] == group.get("n_imported_drives", 0):
            return None, {}
        return group, _as_counted(generation, rates)
    query = _GROUP.format(drives=generation.in_memory("drives"), where=selection.where)
    [group] = generation.rows(query, selection.values)
    drive_ids = group.pop("drive_ids")
    if group["n_drives"] == group["n_imported_drives"]:
        return None, {}
    return group, _as_counted(generation, _count(generation, drive_ids))


def _as_counted(generation: Generation, rates: dict[str, Row]) -> dict[str, Row]:
    """Rates by event; those of an event that an older database does not count are null."""
    if generation.is_current:
        return rates
    counted = {row["event"] for row in generation.rows("select distinct event from rates")}
    nothing = dict.fromkeys(generation.columns("rates"))
    return {event: rates[event] if event in counted & rates.keys() else nothing for event in EVENTS}


def _read_views(
    generation: Generation, grouped_by: str, group_name: str
) -> tuple[Row | None, dict[str, Row]]:
    wanted = {"grouped_by": grouped_by, "group_name": group_name}
    # The groups of one kind are there in a tenth of the time that all kinds take.
    asked = Narrowing(crossing=parse_crossing(grouped_by)) if generation.is_current else None
    groups, rates = (
        generation.rows(_FROM_VIEW.format(groups=view), wanted, narrowing=asked)
        for view in ("groups", "rates")
    )
    found = {row["event"]: row for row in rates if row["mode"] == "engaged"}
    return (groups[0] if groups else None), found


def _count(generation: Generation, drive_ids: list[int]) -> dict[str, Row]:
    measures = {measure.name: measure for measure in read_measures(generation, drive_ids)}
    counted = [
        Counted(event, unit, measure.numerators.sum(axis=1), measure.denominators.sum(axis=1))
        for event, plural in EVENTS.items()
        for unit in ("100km", "hour")
        for measure in (measures[f"{plural}_per_{unit}"],)
    ]
    found: dict[str, Row] = {}
    for one, limits in zip(counted, read_rate_limits(generation, counted), strict=True):
        row = found.setdefault(one.event, {"event": one.event})
        row["n_events"] = int(one.n_events.sum())
        row |= _columns(f"per_{one.unit}", limits)
    return found


def _columns(name: str, found: RateLimits) -> Row:
    return {
        name: found.rate,
        f"{name}_lower": found.rate_lower,
        f"{name}_upper": found.rate_upper,
        f"{name}_dispersion_source": found.dispersion_source,
    }


def drive_rates(generation: Generation, groups: Sequence[Sequence[Mapping[str, Any]]]) -> list[Row]:
    """Interventions per 100 km engaged of some drives each, with the interval that `rates` has."""
    counted = [
        Counted(
            "intervention",
            "100km",
            np.array([float(row["n_interventions"] or 0) for row in rows]),
            np.array([(row["engaged_km"] or 0.0) / 100 for row in rows]),
        )
        for rows in groups
    ]
    found = read_rate_limits(generation, counted)
    return [_columns("interventions_per_100km", limits) for limits in found]
