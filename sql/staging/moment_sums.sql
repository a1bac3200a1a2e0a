-- Sums over the drives of each group that rates of saved moments are made from.
--
-- grain:   one row per (grouped_by, group_name, scope, mode, event, unit)
-- null:    motion_coverage
-- why:     as group_sums, but each moment has its own exposure: the driving in which it could be
--          told. A drive in which it never could is in none of them
create or replace view staging.moment_sums as
with

of_drives as (
    select
        drive_id,
        mode,
        event,
        sum(n_events) as n_events,
        sum(exact(exposure_h))::double as exposure_h,
        sum(exact(exposure_100km))::double as exposure_100km
    from staging.moment_amounts
    group by drive_id, mode, event
),

cells as (
    select
        *,
        (part_num is null and speed_band is null and mode is null) as is_whole
    from main.part_groups
    where not is_imported
),

in_parts as (
    select distinct drive_id, grouped_by, group_name, log_kind from cells where not is_whole
),

members as (
    select
        cells.grouped_by,
        cells.group_name,
        'own' as scope,
        cells.log_kind,
        amounts.*
    from cells
    inner join of_drives as amounts on cells.drive_id = amounts.drive_id
    where cells.is_whole
    union all by name
    select
        cells.grouped_by,
        cells.group_name,
        'whole' as scope,
        cells.log_kind,
        amounts.*
    from in_parts as cells
    inner join of_drives as amounts on cells.drive_id = amounts.drive_id
    union all by name
    select
        cells.grouped_by,
        cells.group_name,
        'own' as scope,
        any_value(cells.log_kind) as log_kind,
        cells.drive_id,
        amounts.mode,
        amounts.event,
        sum(amounts.n_events) as n_events,
        sum(exact(amounts.exposure_h))::double as exposure_h,
        sum(exact(amounts.exposure_100km))::double as exposure_100km
    from cells
    inner join staging.moment_amounts as amounts
        on
            cells.drive_id = amounts.drive_id
            and (cells.part_num is null or cells.part_num = amounts.part_num)
            and (cells.speed_band is null or cells.speed_band = amounts.speed_band)
            and (
                cells.mode is null
                or cells.mode = amounts.own_mode
                or (cells.mode = 'neither' and amounts.own_mode not in ('engaged', 'lateral_only'))
            )
    where not cells.is_whole
    group by cells.grouped_by, cells.group_name, cells.drive_id, amounts.mode, amounts.event
),

exposed as (
    select
        grouped_by,
        group_name,
        scope,
        mode,
        event,
        coalesce(log_kind in ('qlog', 'mixed'), false) as has_qlog,
        n_events,
        unnest(['hour', '100km']) as unit,
        unnest([exposure_h, exposure_100km]) as exposure
    from members
),

final as (
    select
        grouped_by,
        group_name,
        scope,
        mode,
        event,
        unit,
        count(*)::bigint as n_drives,
        count(*) filter (where has_qlog)::bigint as n_qlog_drives,
        null::double as motion_coverage,
        sum(n_events) as n_events,
        sum(exact(exposure))::double as exposure,
        sum(exact(exposure * exposure))::double as exposure_squares,
        count(*) filter (where exposure > 0) as n_exposed_drives,
        sum(n_events) filter (where exposure > 0) as n_exposed_events,
        sum(exact(n_events * n_events / nullif(exposure, 0)))::double as ratios,
        sum(n_events * n_events) filter (where exposure > 0) as squares,
        sum(exact(n_events * exposure))::double as products
    from exposed
    group by grouped_by, group_name, scope, mode, event, unit
)

select * from final;
