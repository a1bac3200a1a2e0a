-- What all drives of the database count of each event, and how much they differ in it.
--
-- grain:   one row per (mode, event, unit)
-- null:    the dispersion without events, or of fewer than two drives
-- why:     the intervals of groups rest on it: what other drives than a group's have is this less
--          what the group has. What the old system counted is of the drives in which it could,
--          imported ones too. Each saved moment has the driving in which it could be told
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
    where not is_saved_moment(event)
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

of_old_system as (
    select
        'engaged' as mode,
        counts.event,
        counts.n_events::double as n_events,
        unnest(['hour', '100km']) as unit,
        unnest(
            [
                coalesce(entries.engaged_s, metrics.engaged_s) / 3600,
                coalesce(entries.engaged_km, metrics.engaged_km) / 100
            ]
        ) as exposure
    from staging.legacy_event_counts as counts
    left join staging.imported_drives as entries on counts.drive_id = entries.drive_id
    left join result.drive_metrics as metrics on counts.drive_id = metrics.drive_id
),

moments as (
    select
        drive_id,
        unnest(moment_modes(mode)) as mode,
        event,
        n_events,
        0 as exposure_h,
        0 as exposure_100km
    from result.event_counts
    where is_saved_moment(event)
    union all
    select
        drive_id,
        unnest(moment_modes(mode)) as mode,
        event,
        0 as n_events,
        exposure_s / 3600 as exposure_h,
        distance_km / 100 as exposure_100km
    from result.moment_exposures
),

of_moments as (
    select
        drive_id,
        mode,
        event,
        sum(n_events)::double as n_events,
        unnest(['hour', '100km']) as unit,
        unnest([sum(exact(exposure_h))::double, sum(exact(exposure_100km))::double]) as exposure
    from moments
    group by drive_id, mode, event
),

-- Events that not all drives can tell of: each stands on an exposure of its own.
on_their_own as (
    select mode, event, unit, n_events, exposure from of_old_system
    union all by name
    select mode, event, unit, n_events, exposure from of_moments
),

told as (
    select
        sums.*,
        totals.n_drives,
        totals.exposure,
        totals.exposure_squares
    from sums
    inner join totals on sums.mode = totals.mode and sums.unit = totals.unit
    union all by name
    select
        mode,
        event,
        unit,
        count(*) as n_drives,
        sum(n_events) as n_events,
        sum(exact(exposure))::double as exposure,
        sum(exact(n_events * n_events / exposure))::double as ratios,
        sum(n_events * n_events) as squares,
        sum(exact(n_events * exposure))::double as products,
        sum(exact(exposure * exposure))::double as exposure_squares
    from on_their_own
    where exposure > 0
    group by mode, event, unit
    having sum(n_events) > 0
),

final as (
    select
        mode,
        event,
        unit,
        n_drives::bigint as n_drives,
        n_events::bigint as n_events,
        exposure,
        ratios,
        squares,
        products,
        exposure_squares,
        count_dispersion(n_drives, n_events, exposure, ratios, squares, products, exposure_squares)
            as dispersion
    from told
)

select * from final;
comment on column event_totals.mode is 'engaged, lateral_only (steering alone) or assisted (either); of saved moments also any';
comment on column event_totals.event is 'as in event_counts and legacy_counts, or as in failure_counts with _failure after it; one that never happened has no row';
comment on column event_totals.unit is 'hour or 100km: what exposure is in';
comment on column event_totals.n_drives is 'drives with exposure that can tell of the event, those without it included';
comment on column event_totals.n_events is 'how often it happened in them';
comment on column event_totals.exposure is 'time in the mode in hours, or distance in 100 km';
comment on column event_totals.ratios is 'sum over the drives of squared counts / exposure';
comment on column event_totals.squares is 'sum over the drives of squared counts';
comment on column event_totals.products is 'sum over the drives of counts x exposure';
comment on column event_totals.exposure_squares is 'sum over the drives of squared exposure';
comment on column event_totals.dispersion is 'variance of counts over a Poisson process'', at least Pearson''s chi-square / degrees of freedom; null of one drive';
