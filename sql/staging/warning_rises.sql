-- Moments in which a collision warning or automatic braking begins.
--
-- grain:   one row per (drive_id, warning, source, mono_ns)
-- null:    never
-- why:     leadOne.fcw is none of them: it says that a lead is well tracked, and is true nearly always
create or replace view staging.warning_rises as
with

plans as (
    select
        plan.drive_id,
        plan.mono_ns,
        plan.segment_num,
        plan.fcw,
        lag(plan.fcw) over by_time as previous_fcw,
        lag(plan.segment_num) over by_time as previous_segment_num
    from log.longitudinal_plan as plan
    window by_time as (
        partition by plan.drive_id order by plan.mono_ns, plan.segment_num, plan.message_num
    )
),

shown as (
    select
        drive_id,
        mono_ns,
        segment_num,
        message_num,
        unnest([mono_ns // 1000000000 - 1, mono_ns // 1000000000]) as mono_second
    from log.car_control
    where visual_alert = 'fcw'
),

shown_before as (
    select
        shown.drive_id,
        shown.mono_ns,
        arg_max(
            car_control.visual_alert,
            (car_control.mono_ns, car_control.segment_num, car_control.message_num)
        ) as previous_alert,
        max(car_control.mono_ns) as previous_mono_ns,
        any_value(shown.segment_num) as segment_num,
        arg_max(
            car_control.segment_num,
            (car_control.mono_ns, car_control.segment_num, car_control.message_num)
        ) as previous_segment_num
    from shown
    inner join log.car_control as car_control
        on
            shown.drive_id = car_control.drive_id
            and shown.mono_second = car_control.mono_ns // 1000000000
            and shown.mono_ns > car_control.mono_ns
    group by shown.drive_id, shown.mono_ns
),

final as (
    select
        drive_id,
        case when name in ('fcw', 'stockFcw') then 'fcw' else 'aeb' end as warning,
        'event' as source,
        start_mono_ns as mono_ns
    from result.event_spans
    where name in ('fcw', 'stockFcw', 'aeb', 'stockAeb')
    union
    select
        drive_id,
        case flag when 'stock_fcw' then 'fcw' else 'aeb' end as warning,
        'carState' as source,
        start_mono_ns as mono_ns
    from result.car_state_runs
    where flag in ('stock_fcw', 'stock_aeb') and is_rise
    union
    select drive_id, 'fcw' as warning, 'longitudinalPlan' as source, mono_ns
    from plans
    where fcw and not previous_fcw and segment_num - previous_segment_num <= 1
    union
    select drive_id, 'fcw' as warning, 'carControl' as source, mono_ns
    from shown_before
    where
        previous_alert <> 'fcw'
        and segment_num - previous_segment_num <= 1
        and mono_ns - previous_mono_ns <= (select max_gap_ns from result.thresholds)
)

select * from final;
