"""How often moments happen in groups of drives, with the intervals that all rates have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engagement.errors import InputError

if TYPE_CHECKING:
    from engagement.find.moments import Found
    from engagement.groupings import Crossing
    from engagement.store.query_types import Queryable

    Row = dict[str, Any]

# The sums of `staging.group_sums`, of one event and unit. What other drives tell is of all drives
# of the database: of $ids, those that are asked for and the others.
_RATES = """
with

counted as (
    select
        unnest($ids) as drive_id,
        unnest($counts) as n_events,
        unnest($hours) as exposure
),

exposed as (
    select *, case when exposure > 0 then n_events end as n_exposed from counted
),

totals as (
    select
        count(*) filter (where exposure > 0) as n_drives,
        sum(n_exposed) as n_events,
        sum(exact(exposure)) as exposure,
        sum(exact(n_events * n_events / nullif(exposure, 0))) as ratios,
        sum(n_events * n_exposed) as squares,
        sum(exact(n_events * exposure)) as products,
        sum(exact(exposure * exposure)) as exposure_squares
    from exposed
),

sums as (
    select
        cells.group_name,
        count(*) as n_drives,
        count(*) filter (where cells.log_kind in ('qlog', 'mixed')) as n_qlog_drives,
        sum(exposed.n_events) as n_events,
        sum(exact(exposed.exposure))::double as exposure,
        count(*) filter (where exposed.exposure > 0) as n_exposed_drives,
        sum(exposed.n_exposed) as n_exposed_events,
        sum(exact(exposed.n_events * exposed.n_events / nullif(exposed.exposure, 0)))::double
            as ratios,
        sum(exposed.n_events * exposed.n_exposed) as squares,
        sum(exact(exposed.n_events * exposed.exposure))::double as products,
        sum(exact(exposed.exposure * exposed.exposure))::double as exposure_squares
    from exposed
    inner join part_groups as cells on exposed.drive_id = cells.drive_id
    inner join drives on exposed.drive_id = drives.drive_id
    where cells.grouped_by = $grouped_by
    group by cells.group_name
),

own_sums as (
    select
        sums.*,
        known_dispersion(
            totals.n_drives - sums.n_exposed_drives,
            totals.n_events - coalesce(sums.n_exposed_events, 0),
            totals.exposure::double - sums.exposure,
            totals.ratios::double - coalesce(sums.ratios, 0),
            totals.squares - coalesce(sums.squares, 0),
            totals.products::double - coalesce(sums.products, 0),
            totals.exposure_squares::double - coalesce(sums.exposure_squares, 0)
        ) as known_dispersion
    from sums
    cross join totals
)

select
    $grouped_by as grouped_by,
    group_name,
    n_drives,
    n_qlog_drives,
    n_events::bigint as n_events,
    exposure as exposure_h,
    rate as per_hour,
    rate_lower as per_hour_lower,
    rate_upper as per_hour_upper,
    dispersion as per_hour_dispersion,
    dispersion_source as per_hour_dispersion_source
from rate_limits('own_sums')
"""


def check_crossing(crossing: Crossing) -> None:
    """Refuse groups that have parts of drives.

    Raises:
        InputError: If they have.
    """
    if crossing.is_of_parts:
        raise InputError(
            f"--by {crossing.option}: moments are counted in groups of whole drives, and these "
            "have parts of them"
        )


def moment_rates(reader: Queryable, found: Found, crossing: Crossing) -> list[Row]:
    """A row a group of the drives that `drives` shows, groups in their order.

    Args:
        reader: `part_groups` has the groups of this crossing.
        found: In all drives of the database, as others tell how much drives differ.
        crossing: How drives are grouped.
    """
    counts = found.counts
    ids = sorted(found.exposures_s)
    rows = reader.rows(
        _RATES,
        {
            "ids": ids,
            "counts": [float(counts.get(drive_id, 0)) for drive_id in ids],
            "hours": [found.exposures_s[drive_id] / 3600 for drive_id in ids],
            "grouped_by": crossing.name,
        },
    )
    return sorted(rows, key=lambda row: crossing.order(row["group_name"]))
