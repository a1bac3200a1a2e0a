-- Collision warnings, automatic braking and lane changes around events.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- null:    has_fcw and has_aeb where no list of events and no plan tells; has_lane_change without the
--          model; lane_change_direction when none is going on
create or replace view staging.event_warnings as
with

looks as (
    select drive_id, kind, mono_ns, from_mono_ns, until_mono_ns from staging.event_looks
),

warnings as (
    select
        looks.drive_id,
        looks.kind,
        looks.mono_ns,
        bool_or(rises.warning = 'fcw') as has_fcw,
        bool_or(rises.warning = 'aeb') as has_aeb
    from looks
    inner join staging.warning_rises as rises
        on
            looks.drive_id = rises.drive_id
            and looks.from_mono_ns <= rises.mono_ns
            and looks.until_mono_ns >= rises.mono_ns
    group by looks.drive_id, looks.kind, looks.mono_ns
),

planned as (
    select distinct drive_id from log.longitudinal_plan
),

lane_changes as (
    select
        looks.drive_id,
        looks.kind,
        looks.mono_ns,
        bool_or(changes.state <> 'off') as has_lane_change,
        max(changes.direction) filter (
            where
            changes.state <> 'off'
            and changes.direction in ('left', 'right')
            and coalesce(changes.end_mono_ns > looks.mono_ns, true)
        ) as lane_change_direction
    from looks
    inner join staging.lane_change_spans as changes
        on
            looks.drive_id = changes.drive_id
            and looks.mono_ns >= changes.start_mono_ns
            and looks.from_mono_ns < coalesce(changes.end_mono_ns, looks.mono_ns + 1)
    group by looks.drive_id, looks.kind, looks.mono_ns
),

final as (
    select
        looks.drive_id,
        looks.kind,
        looks.mono_ns,
        case
            when warnings.has_fcw then true
            when facts.event_source is not null or planned.drive_id is not null then false
        end as has_fcw,
        case
            when warnings.has_aeb then true
            when facts.event_source is not null then false
        end as has_aeb,
        lane_changes.has_lane_change,
        lane_changes.lane_change_direction
    from looks
    inner join result.drive_facts as facts on looks.drive_id = facts.drive_id
    left join planned on looks.drive_id = planned.drive_id
    left join warnings
        on
            looks.drive_id = warnings.drive_id
            and looks.kind = warnings.kind
            and looks.mono_ns = warnings.mono_ns
    left join lane_changes
        on
            looks.drive_id = lane_changes.drive_id
            and looks.kind = lane_changes.kind
            and looks.mono_ns = lane_changes.mono_ns
)

select * from final;
