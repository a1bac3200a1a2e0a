-- How often each event happens in groups of drives, per hour and per 100 km of each mode.
--
-- grain:   one row per (grouped_by, group_name, mode, event)
-- null:    rates, limits and interval kinds without exposure; dispersion without events, or with
--          fewer than two drives that have exposure
-- why:     where drives differ, or events come several at a time, counts vary more than a Poisson
--          process' do. The interval is then that of the rate's logarithm, t sqrt(dispersion / n)
--          to each side, by the greater of two dispersions: Pearson's, and that of the sum, in
--          which long drives weigh more. Both are expanded, as most drives have no event:
--          sum (x - r e)^2 / (r e) = sum (x^2 / e) / r - 2 sum x + r sum e
--          A sum of doubles depends on the order in which threads bring them, one of decimals does
--          not: so a number is the same however often it is computed
create or replace view rates as
with

bands as (
    select drive_id, speed_band, engaged_s, engaged_km, lateral_only_s, lateral_only_km
    from result.speed_bands
    union all by name
    select distinct counts.drive_id, counts.speed_band
    from result.event_counts as counts
    anti join result.speed_bands as known_bands
        on counts.drive_id = known_bands.drive_id and counts.speed_band = known_bands.speed_band
),

grouped as (
    select
        drive_id,
        grouped_by,
        group_name,
        'any' as speed_band,
        log_kind,
        known_s,
        speed_known_s,
        engaged_s,
        engaged_km,
        lateral_only_s,
        lateral_only_km
    from drive_groups
    union all by name
    select
        bands.*,
        'speed_band' as grouped_by,
        bands.speed_band as group_name,
        drive_groups.log_kind
    from bands
    inner join drive_groups on bands.drive_id = drive_groups.drive_id
    where drive_groups.grouped_by = 'all'
),

members as (
    select
        drive_id,
        grouped_by,
        group_name,
        speed_band,
        (log_kind <> 'rlog') as has_qlog,
        known_s,
        speed_known_s,
        unnest(['engaged', 'lateral_only', 'assisted']) as mode,
        unnest([engaged_s, lateral_only_s, engaged_s + lateral_only_s]) / 3600 as exposure_h,
        unnest([engaged_km, lateral_only_km, engaged_km + lateral_only_km]) / 100
            as exposure_100km
    from grouped
),

banded_counts as (
    select
        drive_id,
        speed_band,
        event,
        unnest([mode, 'assisted']) as mode,
        n_events::double as n_events
    from event_counts
),

counts as (
    select
        drive_id,
        'any' as speed_band,
        mode,
        event,
        sum(n_events) as n_events
    from banded_counts
    group by drive_id, mode, event
    union all
    select
        drive_id,
        speed_band,
        mode,
        event,
        sum(n_events) as n_events
    from banded_counts
    group by drive_id, speed_band, mode, event
),

exposures as (
    select
        grouped_by,
        group_name,
        mode,
        count(*)::bigint as n_drives,
        count(*) filter (where has_qlog)::bigint as n_qlog_drives,
        sum(try_cast(speed_known_s as decimal(34, 20)))::double
        / nullif(sum(try_cast(known_s as decimal(34, 20)))::double, 0) as motion_coverage,
        coalesce(sum(try_cast(exposure_h as decimal(34, 20)))::double, 0) as exposure_h,
        coalesce(sum(try_cast(exposure_100km as decimal(34, 20)))::double, 0) as exposure_100km,
        count(*) filter (where exposure_h > 0) as n_drives_h,
        count(*) filter (where exposure_100km > 0) as n_drives_100km,
        sum(try_cast(exposure_h * exposure_h as decimal(34, 20)))::double as squares_h,
        sum(try_cast(exposure_100km * exposure_100km as decimal(34, 20)))::double
            as squares_100km
    from members
    group by grouped_by, group_name, mode
),

sums as (
    select
        members.grouped_by,
        members.group_name,
        members.mode,
        counts.event,
        sum(counts.n_events) as n_events,
        sum(counts.n_events) filter (where members.exposure_h > 0) as n_events_h,
        sum(counts.n_events) filter (where members.exposure_100km > 0) as n_events_100km,
        sum(
            try_cast(counts.n_events * counts.n_events / nullif(members.exposure_h, 0) as decimal(34, 20))
        )::double as ratios_h,
        sum(
            try_cast(counts.n_events * counts.n_events / nullif(members.exposure_100km, 0) as decimal(34, 20))
        )::double as ratios_100km,
        sum(counts.n_events * counts.n_events) filter (where members.exposure_h > 0) as squares_h,
        sum(counts.n_events * counts.n_events) filter (where members.exposure_100km > 0) as squares_100km,
        sum(try_cast(counts.n_events * members.exposure_h as decimal(34, 20)))::double as products_h,
        sum(
            try_cast(counts.n_events * members.exposure_100km as decimal(34, 20))
        )::double as products_100km
    from members
    inner join counts
        on
            members.drive_id = counts.drive_id
            and members.speed_band = counts.speed_band
            and members.mode = counts.mode
    group by members.grouped_by, members.group_name, members.mode, counts.event
),

kinds as (
    select
        unnest(
            [
                'intervention', 'unplanned_intervention', 'disengagement',
                'disengagement_counted', 'driver_disengagement', 'system_disengagement', 'car_disengagement', 'unknown_disengagement',
                'lateral_override', 'longitudinal_override', 'critical_event'
            ]
        ) as event
),

per_unit as (
    select
        exposures.grouped_by,
        exposures.group_name,
        exposures.mode,
        kinds.event,
        exposures.n_drives,
        exposures.n_qlog_drives,
        exposures.exposure_h,
        exposures.exposure_100km,
        exposures.motion_coverage,
        coalesce(sums.n_events, 0) as n_events,
        unnest(['hour', '100km']) as unit,
        unnest([exposures.exposure_h, exposures.exposure_100km]) as exposure,
        unnest([exposures.squares_h, exposures.squares_100km]) as exposure_squares,
        unnest([exposures.n_drives_h, exposures.n_drives_100km]) as n_exposed_drives,
        unnest([sums.n_events_h, sums.n_events_100km]) as n_exposed_events,
        unnest([sums.ratios_h, sums.ratios_100km]) as ratios,
        unnest([sums.squares_h, sums.squares_100km]) as squares,
        unnest([sums.products_h, sums.products_100km]) as products
    from exposures
    cross join kinds
    left join sums
        on
            exposures.grouped_by = sums.grouped_by
            and exposures.group_name = sums.group_name
            and exposures.mode = sums.mode
            and kinds.event = sums.event
),

rated as (
    select
        *,
        n_events / nullif(exposure, 0) as rate,
        (n_exposed_events > 0 and n_exposed_drives > 1) as is_comparable
    from per_unit
),

dispersed as (
    select
        *,
        case
            when is_comparable
                then
                    greatest(ratios / rate - 2 * n_exposed_events + rate * exposure, 0)
                    / (n_exposed_drives - 1)
        end as dispersion,
        case
            when is_comparable
                then
                    greatest(squares - 2 * rate * products + rate * rate * exposure_squares, 0)
                    / n_events * n_exposed_drives / (n_exposed_drives - 1)
        end as weighted_dispersion
    from rated
),

chosen as (
    select
        *,
        case
            when exposure > 0 and dispersion >= (select dispersion_max from result.thresholds)
                then 'quasi_poisson'
            when exposure > 0 then 'poisson'
        end as interval_kind
    from dispersed
),

spread as (
    select
        *,
        case
            when interval_kind = 'quasi_poisson'
                then exp(
                    least(
                        t_95(n_exposed_drives - 1)
                        * sqrt(greatest(dispersion, weighted_dispersion) / n_events),
                        300
                    )
                )
        end as factor
    from chosen
),

bounded as (
    select
        *,
        case interval_kind
            when 'quasi_poisson' then rate / factor
            when 'poisson' then poisson_lower(n_events) / exposure
        end as rate_lower,
        case interval_kind
            when 'quasi_poisson' then rate * factor
            when 'poisson' then poisson_upper(n_events) / exposure
        end as rate_upper
    from spread
),

final as (
    select
        by_time.grouped_by,
        by_time.group_name,
        by_time.mode,
        by_time.event,
        by_time.n_drives,
        by_time.n_qlog_drives,
        by_time.n_events::bigint as n_events,
        by_time.exposure_h,
        by_time.exposure_100km * 100 as exposure_km,
        by_time.motion_coverage,
        by_time.rate as per_hour,
        by_time.rate_lower as per_hour_lower,
        by_time.rate_upper as per_hour_upper,
        by_time.dispersion as per_hour_dispersion,
        by_time.interval_kind as per_hour_interval,
        by_distance.rate as per_100km,
        by_distance.rate_lower as per_100km_lower,
        by_distance.rate_upper as per_100km_upper,
        by_distance.dispersion as per_100km_dispersion,
        by_distance.interval_kind as per_100km_interval
    from bounded as by_time
    inner join bounded as by_distance
        on
            by_time.grouped_by = by_distance.grouped_by
            and by_time.group_name = by_distance.group_name
            and by_time.mode = by_distance.mode
            and by_time.event = by_distance.event
    where by_time.unit = 'hour' and by_distance.unit = '100km'
)

select * from final;
comment on column rates.grouped_by is 'all, device, car, version, branch, commit, fork, month, or speed_band (events and exposure at such speeds)';
comment on column rates.group_name is 'which group of these; unknown where the logs don''t say';
comment on column rates.mode is 'engaged, lateral_only (steering alone) or assisted (either): events and exposure in it';
comment on column rates.event is 'what is counted, as in event_counts; every event has a row, zero counts included';
comment on column rates.n_drives is 'drives in the group; in a speed band those that were so fast';
comment on column rates.n_qlog_drives is 'drives of them that were read from qlogs, all or in part, which are coarser';
comment on column rates.n_events is 'how often it happened';
comment on column rates.exposure_h is 'time in the mode';
comment on column rates.exposure_km is 'distance in the mode';
comment on column rates.motion_coverage is 'share of the group''s known time whose speed is known: what its distance is of; null without any, and in a speed band';
comment on column rates.per_hour is 'events per hour of the mode; null without any';
comment on column rates.per_hour_lower is 'lower limit of its 95 % interval; 0 without events';
comment on column rates.per_hour_upper is 'upper limit of its 95 % interval';
comment on column rates.per_hour_dispersion is 'Pearson''s chi-square / degrees of freedom, over the drives with such time; null without events or with but one of them';
comment on column rates.per_hour_interval is 'poisson (exact), or quasi_poisson where drives are more dispersed than the parameter dispersion_max; null without a rate';
comment on column rates.per_100km is 'events per 100 km of the mode; null without any';
comment on column rates.per_100km_lower is 'lower limit of its 95 % interval; 0 without events';
comment on column rates.per_100km_upper is 'upper limit of its 95 % interval';
comment on column rates.per_100km_dispersion is 'Pearson''s chi-square / degrees of freedom, over the drives with such distance; null without events or with but one of them';
comment on column rates.per_100km_interval is 'poisson (exact), or quasi_poisson where drives are more dispersed than the parameter dispersion_max; null without a rate';
