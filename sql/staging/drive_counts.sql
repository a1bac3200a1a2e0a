-- How often each event happened in each mode, in whole drives and in what of them is in a group.
--
-- grain:   one row per (drive_id, slice, mode, event)
-- null:    never; an event that did not happen has no row
-- why:     slice is 0 for the whole drive, else the group's number, or that of an event of the old
--          system. These and failures are of mode engaged, and at no speed
create or replace view staging.drive_counts as
with

happened as (
    select
        drive_id,
        part_num,
        speed_band,
        mode as own_mode,
        unnest([mode, 'assisted']) as mode,
        event,
        n_events
    from main.event_counts
    where not is_saved_moment(event)
    union all
    select
        drive_id,
        part_num,
        null as speed_band,
        'engaged' as own_mode,
        'engaged' as mode,
        event || '_failure' as event,
        n_failures as n_events
    from main.failure_counts
),

slices as (
    select
        drive_id,
        part_num,
        speed_band,
        mode,
        group_number(grouped_by, group_name) as slice
    from main.part_groups
    where part_num is not null or speed_band is not null or mode is not null
),

final as (
    select
        drive_id,
        0::ubigint as slice,
        mode,
        event,
        sum(n_events)::double as n_events
    from happened
    group by drive_id, mode, event
    union all
    select
        slices.drive_id,
        slices.slice,
        happened.mode,
        happened.event,
        sum(happened.n_events)::double as n_events
    from slices
    inner join happened
        on
            slices.drive_id = happened.drive_id
            and (slices.part_num is null or slices.part_num = happened.part_num)
            and (slices.speed_band is null or slices.speed_band = happened.speed_band)
            and (slices.mode is null or slices.mode = happened.own_mode)
    group by slices.drive_id, slices.slice, happened.mode, happened.event
    union all
    select
        drive_id,
        legacy_number(event) as slice,
        'engaged' as mode,
        event,
        n_events::double as n_events
    from main.legacy_counts
)

select * from final;
