-- What all drives of the database count of each event, and how much they differ in it.
--
-- grain:   one row per (mode, event, unit)
-- null:    the dispersion without events, or of fewer than two drives
-- why:     the intervals of groups rest on it: what other drives than a group's have is this less
--          what the group has
create or replace view compute.event_totals as
with

exposed as (
    select
        metrics.drive_id,
        unnest(['engaged', 'lateral_only', 'assisted']) as mode,
        unnest([engaged_s, lateral_only_s, engaged_s + lateral_only_s]) / 3600 as exposure_h,
        unnest([engaged_km, lateral_only_km, engaged_km + lateral_only_km]) / 100
            as exposure_100km
    from result.drive_metrics as metrics
    semi join log.segment on metrics.drive_id = segment.drive_id
    anti join staging.imported_drives as entries on metrics.drive_id = entries.drive_id
),

exposures as (
    select
        drive_id,
        mode,
        unnest(['hour', '100km']) as unit,
        unnest([exposure_h, exposure_100km]) as exposure
    from exposed
),

totals as (
    select
        mode,
        unit,
        count(*) as n_drives,
        sum(exact(exposure))::double as exposure,
        sum(exact(exposure * exposure))::double as exposure_squares
    from exposures
    where exposure > 0
    group by mode, unit
),

banded as (
    select drive_id, event, unnest([mode, 'assisted']) as mode, n_events
    from result.event_counts
),

counts as (
    select drive_id, mode, event, sum(n_events)::double as n_events
    from banded
    group by drive_id, mode, event
    union all
    select
        drive_id,
        'engaged' as mode,
        event || '_failure' as event,
        sum(n_failures)::double as n_events
    from result.failure_counts
    group by drive_id, event
),

sums as (
    select
        counts.mode,
        counts.event,
        exposures.unit,
        sum(counts.n_events) as n_events,
        sum(exact(counts.n_events * counts.n_events / exposures.exposure))::double as ratios,
        sum(counts.n_events * counts.n_events)::double as squares,
        sum(exact(counts.n_events * exposures.exposure))::double as products
    from exposures
    inner join counts on exposures.drive_id = counts.drive_id and exposures.mode = counts.mode
    where exposures.exposure > 0
    group by counts.mode, counts.event, exposures.unit
),

final as (
    select
        sums.mode,
        sums.event,
        sums.unit,
        totals.n_drives::bigint as n_drives,
        sums.n_events::bigint as n_events,
        totals.exposure,
        sums.ratios,
        sums.squares,
        sums.products,
        totals.exposure_squares,
        count_dispersion(
            totals.n_drives,
            sums.n_events,
            totals.exposure,
            sums.ratios,
            sums.squares,
            sums.products,
            totals.exposure_squares
        ) as dispersion
    from sums
    inner join totals on sums.mode = totals.mode and sums.unit = totals.unit
)

select * from final;
comment on column event_totals.mode is 'engaged, lateral_only (steering alone) or assisted (either)';
comment on column event_totals.event is 'as in event_counts, or as in failure_counts with _failure after it; one that never happened has no row';
comment on column event_totals.unit is 'hour or 100km: what exposure is in';
comment on column event_totals.n_drives is 'drives with exposure, those without the event included';
comment on column event_totals.n_events is 'how often it happened in them';
comment on column event_totals.exposure is 'time in the mode in hours, or distance in 100 km';
comment on column event_totals.ratios is 'sum over the drives of squared counts / exposure';
comment on column event_totals.squares is 'sum over the drives of squared counts';
comment on column event_totals.products is 'sum over the drives of counts x exposure';
comment on column event_totals.exposure_squares is 'sum over the drives of squared exposure';
comment on column event_totals.dispersion is 'variance of counts over a Poisson process'', at least Pearson''s chi-square / degrees of freedom; null of one drive';
