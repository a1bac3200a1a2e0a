-- Collision warnings, automatic braking and lane changes that openpilot tells of around events.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- reads:   staging.event_looks, staging.drive_events, log.lane_change, log.car_control,
--          result.drive_facts
-- null:    has_fcw and has_aeb in a drive without a list of events; has_lane_change without the model
-- why:     a lane change's rows are changes: a state holds until the next one
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
        bool_or(events.name in ('fcw', 'stockFcw')) as has_fcw,
        bool_or(events.name in ('aeb', 'stockAeb')) as has_aeb
    from looks
    inner join staging.drive_events as events
        on
            looks.drive_id = events.drive_id
            and looks.from_mono_ns <= events.mono_ns
            and looks.until_mono_ns >= events.mono_ns
    group by looks.drive_id, looks.kind, looks.mono_ns
),

shown as (
    select distinct looks.drive_id, looks.kind, looks.mono_ns
    from looks
    inner join log.car_control
        on
            looks.drive_id = car_control.drive_id
            and looks.from_mono_ns <= car_control.mono_ns
            and looks.until_mono_ns >= car_control.mono_ns
    where car_control.visual_alert = 'fcw'
),

changes as (
    select
        drive_id,
        state,
        mono_ns as start_mono_ns,
        lead(mono_ns) over (
            partition by drive_id, source order by mono_ns, segment_num, message_num
        ) as end_mono_ns
    from log.lane_change
),

lane_changes as (
    select
        looks.drive_id,
        looks.kind,
        looks.mono_ns,
        bool_or(changes.state <> 'off') as has_lane_change
    from looks
    inner join changes
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
            when shown.drive_id is not null then true
            when facts.event_source is not null then coalesce(warnings.has_fcw, false)
        end as has_fcw,
        case when facts.event_source is not null then coalesce(warnings.has_aeb, false) end
            as has_aeb,
        lane_changes.has_lane_change
    from looks
    inner join result.drive_facts as facts on looks.drive_id = facts.drive_id
    left join warnings
        on
            looks.drive_id = warnings.drive_id
            and looks.kind = warnings.kind
            and looks.mono_ns = warnings.mono_ns
    left join shown
        on
            looks.drive_id = shown.drive_id
            and looks.kind = shown.kind
            and looks.mono_ns = shown.mono_ns
    left join lane_changes
        on
            looks.drive_id = lane_changes.drive_id
            and looks.kind = lane_changes.kind
            and looks.mono_ns = lane_changes.mono_ns
)

select * from final;
