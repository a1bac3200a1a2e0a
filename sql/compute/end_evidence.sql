-- What began around the end of an engagement and may have ended it, in the order of time.
--
-- grain:   one row per (drive_id, engagement_num, mono_ns, evidence, name)
-- null:    cause where the evidence explains nothing by itself
-- why:     evidence is event, pedal, wheel, button, gear, main or cruise; event_order is that
--          of things at one time, for events openpilot's own. Pedals and buttons are looked for a
--          little longer, as the car sees its own switches sooner than its bus tells, and soft
--          disabling from soft_disable_s before an end in that state. A brake under which steering went
--          on until it was switched off ended nothing
create or replace view compute.end_evidence as
with

ends as (
    select
        drive_id,
        engagement_num,
        mode,
        end_mono_ns,
        cause_from_mono_ns as from_mono_ns,
        cause_until_mono_ns as until_mono_ns,
        cause_until_mono_ns + (select consequence_ns from result.thresholds) as input_until_ns
    from result.engagements
    where end_kind in ('disengagement', 'end_of_drive')
),

last_states as (
    select ends.drive_id, ends.engagement_num, samples.state
    from ends
    asof inner join staging.control_samples as samples
        on ends.drive_id = samples.drive_id and ends.end_mono_ns > samples.mono_ns
),

windows as (
    select
        ends.*,
        case
            when states.state = 'softDisabling'
                then ends.end_mono_ns - (select soft_disable_ns from result.thresholds)
            else ends.until_mono_ns + 1
        end as soft_from_mono_ns
    from ends
    left join last_states as states
        on ends.drive_id = states.drive_id and ends.engagement_num = states.engagement_num
),

events as (
    select
        windows.drive_id,
        windows.engagement_num,
        spans.start_mono_ns as mono_ns,
        'event' as evidence,
        spans.name,
        case
            when spans.user_disable then 10
            when spans.immediate_disable then 20
            else 30
        end
        + coalesce(causes.event_order, 8) as event_order,
        coalesce(
            causes.cause,
            case
                when spans.user_disable then 'driver_other'
                when spans.immediate_disable then 'system_immediate'
                else 'system_soft'
            end
        ) as cause
    from windows
    inner join result.event_spans as spans
        on
            windows.drive_id = spans.drive_id
            and windows.until_mono_ns >= spans.start_mono_ns
            and least(windows.from_mono_ns, windows.soft_from_mono_ns) <= spans.start_mono_ns
    left join staging.cause_events as causes on spans.name = causes.name
    where
        (
            (spans.user_disable or spans.immediate_disable)
            and spans.start_mono_ns >= windows.from_mono_ns
        )
        or (
            spans.soft_disable
            and not (spans.user_disable or spans.immediate_disable)
            and spans.start_mono_ns >= windows.soft_from_mono_ns
        )
),

rises as (
    select
        windows.drive_id,
        windows.engagement_num,
        runs.start_mono_ns as mono_ns,
        case runs.flag
            when 'steering_disengage' then 'wheel'
            when 'park' then 'gear'
            when 'reverse' then 'gear'
            else 'pedal'
        end as evidence,
        runs.flag as name,
        case runs.flag
            when 'brake' then 91
            when 'gas' then 92
            when 'steering_disengage' then 93
            else 96
        end as event_order,
        case runs.flag
            when 'steering_disengage' then 'driver_steer'
            when 'brake' then 'driver_brake'
            when 'gas' then 'driver_gas'
            else 'driver_park'
        end as cause
    from windows
    inner join result.car_state_runs as runs
        on
            windows.drive_id = runs.drive_id
            and windows.from_mono_ns <= runs.start_mono_ns
            and windows.input_until_ns >= runs.start_mono_ns
    where runs.is_rise and runs.flag in ('steering_disengage', 'brake', 'gas', 'park', 'reverse')
),

falls as (
    select
        windows.drive_id,
        windows.engagement_num,
        runs.end_mono_ns as mono_ns,
        runs.flag as evidence,
        runs.flag as name,
        case runs.flag when 'main' then 95 else 97 end as event_order,
        case runs.flag when 'main' then 'driver_main' else 'cruise' end as cause
    from windows
    inner join result.car_state_runs as runs
        on
            windows.drive_id = runs.drive_id
            and windows.from_mono_ns <= runs.end_mono_ns
            and windows.until_mono_ns >= runs.end_mono_ns
    where runs.is_fall and runs.flag in ('main', 'cruise')
),

buttons as (
    select
        windows.drive_id,
        windows.engagement_num,
        buttons.mono_ns,
        'button' as evidence,
        buttons.button as name,
        case buttons.button when 'cancel' then 94 else 95 end as event_order,
        case buttons.button when 'cancel' then 'driver_cancel' else 'driver_main' end as cause
    from windows
    inner join log.button_event as buttons
        on
            windows.drive_id = buttons.drive_id
            and windows.from_mono_ns <= buttons.mono_ns
            and windows.input_until_ns >= buttons.mono_ns
    where
        buttons.pressed
        and (
            buttons.button = 'cancel'
            or (
                windows.mode = 'lateral_only'
                and buttons.button in ('lkas', 'mainCruise', 'altButton2')
            )
        )
),

-- When a brake went down: after the sample before, at the latest where carState shows it.
brakes as (
    select
        rises.drive_id,
        rises.engagement_num,
        rises.mono_ns,
        max(car_state.mono_ns) as after_mono_ns
    from (
        select *, unnest([mono_ns // 1000000000 - 1, mono_ns // 1000000000]) as mono_second
        from rises
        where name = 'brake'
    ) as rises
    inner join log.car_state as car_state
        on
            rises.drive_id = car_state.drive_id
            and rises.mono_second = car_state.mono_ns // 1000000000
            and rises.mono_ns > car_state.mono_ns
    group by rises.drive_id, rises.engagement_num, rises.mono_ns
),

-- sunnypilot tells itself that MADS is switched off: by its button, by main, or by a brake that
-- goes down just then. In qlogs nothing else may.
switched_off as (
    select
        windows.drive_id,
        windows.engagement_num,
        min(events.mono_ns) as mono_ns,
        'button' as evidence,
        'lkasDisable' as name,
        95 as event_order,
        'driver_main' as cause
    from windows
    inner join log.car_event as events
        on
            windows.drive_id = events.drive_id
            and windows.from_mono_ns <= events.mono_ns
            and windows.until_mono_ns >= events.mono_ns
    left join brakes
        on
            windows.drive_id = brakes.drive_id
            and windows.engagement_num = brakes.engagement_num
            and events.mono_ns > brakes.after_mono_ns
            and events.mono_ns
            <= brakes.mono_ns + (select cause_after_ns from result.thresholds)
    where
        windows.mode = 'lateral_only'
        and events.source = 'onroadEventsSP'
        and events.name = 'lkasDisable'
        and brakes.drive_id is null
    group by windows.drive_id, windows.engagement_num
),

final as (
    select * from events
    union all
    select rises.*
    from rises
    left join switched_off
        on
            rises.drive_id = switched_off.drive_id
            and rises.engagement_num = switched_off.engagement_num
            and rises.name = 'brake'
            and rises.mono_ns < switched_off.mono_ns
    where switched_off.drive_id is null
    union all
    select * from falls
    union all
    select distinct * from buttons
    union all
    select * from switched_off
)

select * from final;
