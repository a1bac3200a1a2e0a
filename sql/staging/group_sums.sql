-- Sums over the drives of each group that rates and their intervals are made from.
--
-- grain:   one row per (grouped_by, group_name, scope, mode, event, unit)
-- null:    motion_coverage without known time, and in a speed band or mode
-- why:     a group may have parts of drives, but what tells how much other drives differ are whole
--          drives: sums of scope `whole` are those of the whole drives that have a part in the
--          group, and those of scope `own` of the parts. Drives tell of some events only: imported
--          ones of the old system's, which stand on a basis of their own
create or replace view staging.group_sums as
with

whole_drives as (
    select
        drive_id,
        log_kind,
        is_imported,
        known_s,
        speed_known_s,
        engaged_s,
        engaged_km,
        lateral_only_s,
        lateral_only_km
    from main.drives
),

grouped as (
    select *, group_number(grouped_by, group_name) as slice
    from main.drive_groups
),

parts as (
    select *, 0::ubigint as slice
    from whole_drives
    where not is_imported
    union all by name
    select
        drive_id,
        slice,
        log_kind,
        is_imported,
        known_s,
        speed_known_s,
        engaged_s,
        engaged_km,
        lateral_only_s,
        lateral_only_km
    from grouped
    where not is_whole and not is_imported
    union all by name
    select drives.*, legacy_number(counts.event) as slice
    from whole_drives as drives
    inner join main.legacy_counts as counts on drives.drive_id = counts.drive_id
),

members as (
    select
        drive_id,
        unnest([0, 1, 2])::ubigint as slice,
        grouped_by,
        group_name,
        'own' as scope,
        unnest([0, 1, 2])::ubigint as basis
    from grouped
    where is_whole
    union all
    select
        drive_id,
        unnest([slice, 0::ubigint]) as slice,
        grouped_by,
        group_name,
        unnest(['own', 'whole']) as scope,
        0::ubigint as basis
    from grouped
    where not is_whole
),

exposed as (
    select
        drive_id,
        slice,
        coalesce(log_kind in ('qlog', 'mixed'), false) as has_qlog,
        known_s,
        speed_known_s,
        unnest(['engaged', 'lateral_only', 'assisted']) as mode,
        unnest([engaged_s, lateral_only_s, engaged_s + lateral_only_s]) / 3600 as exposure_h,
        unnest([engaged_km, lateral_only_km, engaged_km + lateral_only_km]) / 100
            as exposure_100km
    from parts
),

drive_exposures as (
    select
        drive_id,
        slice,
        mode,
        has_qlog,
        exact(known_s) as known_s,
        exact(speed_known_s) as speed_known_s,
        exact(exposure_h) as exposure_h,
        exact(exposure_100km) as exposure_100km,
        exact(exposure_h * exposure_h) as square_h,
        exact(exposure_100km * exposure_100km) as square_100km
    from exposed
    where mode = 'engaged' or slice not in (1, 2)
),

exposures as (
    select
        members.grouped_by,
        members.group_name,
        members.scope,
        members.basis,
        drives_of.mode,
        count(*)::bigint as n_drives,
        count(*) filter (where drives_of.has_qlog)::bigint as n_qlog_drives,
        sum(drives_of.speed_known_s)::double / nullif(sum(drives_of.known_s)::double, 0)
            as motion_coverage,
        coalesce(sum(drives_of.exposure_h)::double, 0) as exposure_h,
        coalesce(sum(drives_of.exposure_100km)::double, 0) as exposure_100km,
        count(*) filter (where drives_of.exposure_h > 0) as n_drives_h,
        count(*) filter (where drives_of.exposure_100km > 0) as n_drives_100km,
        sum(drives_of.square_h)::double as squares_h,
        sum(drives_of.square_100km)::double as squares_100km
    from members
    inner join drive_exposures as drives_of
        on members.drive_id = drives_of.drive_id and members.slice = drives_of.slice
    group by members.grouped_by, members.group_name, members.scope, members.basis, drives_of.mode
),

drive_events as (
    select
        counts.drive_id,
        counts.slice,
        counts.mode,
        counts.event,
        counts.n_events,
        case when exposed.exposure_h > 0 then counts.n_events end as n_events_h,
        case when exposed.exposure_100km > 0 then counts.n_events end as n_events_100km,
        exact(counts.n_events * counts.n_events / nullif(exposed.exposure_h, 0)) as ratio_h,
        exact(counts.n_events * counts.n_events / nullif(exposed.exposure_100km, 0))
            as ratio_100km,
        exact(counts.n_events * exposed.exposure_h) as product_h,
        exact(counts.n_events * exposed.exposure_100km) as product_100km
    from staging.drive_counts as counts
    inner join exposed
        on
            counts.drive_id = exposed.drive_id
            and counts.slice = exposed.slice
            and counts.mode = exposed.mode
),

sums as (
    select
        members.grouped_by,
        members.group_name,
        members.scope,
        members.basis,
        drives_of.mode,
        drives_of.event,
        sum(drives_of.n_events) as n_events,
        sum(drives_of.n_events_h) as n_events_h,
        sum(drives_of.n_events_100km) as n_events_100km,
        sum(drives_of.ratio_h)::double as ratios_h,
        sum(drives_of.ratio_100km)::double as ratios_100km,
        sum(drives_of.n_events * drives_of.n_events_h) as squares_h,
        sum(drives_of.n_events * drives_of.n_events_100km) as squares_100km,
        sum(drives_of.product_h)::double as products_h,
        sum(drives_of.product_100km)::double as products_100km
    from members
    inner join drive_events as drives_of
        on members.drive_id = drives_of.drive_id and members.slice = drives_of.slice
    group by
        members.grouped_by, members.group_name, members.scope, members.basis,
        drives_of.mode, drives_of.event
),

kinds as (
    select
        unnest(
            [
                'intervention', 'unplanned_intervention', 'disengagement',
                'disengagement_counted', 'driver_disengagement', 'system_disengagement', 'car_disengagement', 'unknown_disengagement',
                'lateral_override', 'longitudinal_override', 'critical_event', 'any_failure'
            ]
        ) as event,
        0::ubigint as basis
    union
    select event, basis from sums
),

final as (
    select
        exposures.grouped_by,
        exposures.group_name,
        exposures.scope,
        exposures.mode,
        kinds.event,
        unnest(['hour', '100km']) as unit,
        exposures.n_drives,
        exposures.n_qlog_drives,
        exposures.motion_coverage,
        coalesce(sums.n_events, 0) as n_events,
        unnest([exposures.exposure_h, exposures.exposure_100km]) as exposure,
        unnest([exposures.squares_h, exposures.squares_100km]) as exposure_squares,
        unnest([exposures.n_drives_h, exposures.n_drives_100km]) as n_exposed_drives,
        unnest([sums.n_events_h, sums.n_events_100km]) as n_exposed_events,
        unnest([sums.ratios_h, sums.ratios_100km]) as ratios,
        unnest([sums.squares_h, sums.squares_100km]) as squares,
        unnest([sums.products_h, sums.products_100km]) as products
    from exposures
    inner join kinds on exposures.basis = kinds.basis
    left join sums
        on
            exposures.grouped_by = sums.grouped_by
            and exposures.group_name = sums.group_name
            and exposures.scope = sums.scope
            and exposures.basis = sums.basis
            and exposures.mode = sums.mode
            and kinds.event = sums.event
)

select * from final;
