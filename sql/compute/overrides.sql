-- Driver input that goes on while openpilot assists: steering, or accelerating without disengaging.
--
-- grain:   one row per (drive_id, axis, start_mono_ns)
-- null:    steering_torque where carState does not say it
-- why:     a press that ends the engagement is the disengagement, no override. Presses that are too
--          short are dropped before others are merged, or a noisy sensor's blips would chain. Those
--          carried in go with no later press; of two sources that tell of one, it is still one
create or replace view compute.overrides as
with

pressed as (
    select
        presses.drive_id,
        stretches.axis,
        stretches.run_num,
        presses.start_mono_ns as pressed_mono_ns,
        presses.end_mono_ns as released_mono_ns,
        greatest(presses.start_mono_ns, stretches.start_mono_ns) as start_mono_ns,
        least(presses.end_mono_ns, stretches.end_mono_ns) as end_mono_ns,
        (
            coalesce(presses.unseen_from_ns, presses.start_mono_ns) <= stretches.start_mono_ns
        ) as is_carried_in
    from staging.presses as presses
    inner join result.override_stretches as stretches
        on
            presses.drive_id = stretches.drive_id
            and case presses.input when 'steering' then 'lateral' else 'longitudinal' end
            = stretches.axis
            and presses.start_mono_ns < stretches.end_mono_ns
            and presses.end_mono_ns > stretches.start_mono_ns
),

ending as (
    select
        drive_id,
        engagement_num,
        case cause when 'driver_steer' then 'lateral' else 'longitudinal' end as axis,
        mono_ns as end_mono_ns,
        mono_ns - (select cause_before_ns from result.thresholds) as pressed_from_ns
    from result.end_causes
    where cause in ('driver_steer', 'driver_gas')
),

long_enough as (
    select pressed.*
    from pressed
    left join ending
        on
            pressed.drive_id = ending.drive_id
            and pressed.axis = ending.axis
            and pressed.start_mono_ns <= ending.end_mono_ns
            and pressed.pressed_mono_ns between ending.pressed_from_ns and ending.end_mono_ns
    where
        ending.drive_id is null
        and pressed.end_mono_ns - pressed.start_mono_ns
        >= (select override_min_ns from result.thresholds)
),

in_order as (
    select
        *,
        max(end_mono_ns) over by_start as pressed_until_ns,
        max(start_mono_ns) over by_start as pressed_from_ns
    from long_enough
    window by_start as (
        partition by drive_id, axis, run_num, is_carried_in
        order by start_mono_ns, end_mono_ns
        rows between unbounded preceding and 1 preceding
    )
),

numbered as (
    select
        *,
        sum(
            case
                when is_carried_in then (start_mono_ns is distinct from pressed_from_ns)::int
                else
                    coalesce(
                        start_mono_ns - pressed_until_ns
                        >= (select override_merge_ns from result.thresholds),
                        true
                    )::int
            end
        ) over (
            partition by drive_id, axis, run_num, is_carried_in
            order by start_mono_ns, end_mono_ns
            rows between unbounded preceding and current row
        ) as override_num
    from in_order
),

spans as (
    select
        drive_id,
        axis,
        is_carried_in,
        min(start_mono_ns) as start_mono_ns,
        max(end_mono_ns) as end_mono_ns,
        max(released_mono_ns) as released_mono_ns
    from numbered
    group by drive_id, axis, run_num, is_carried_in, override_num
),

merged as (
    select spans.*, engagements.engagement_num, engagements.mode
    from spans
    asof inner join result.engagements as engagements
        on
            spans.drive_id = engagements.drive_id
            and spans.start_mono_ns >= engagements.start_mono_ns
),

-- A wheel that is pressed is turned to one side from the start; before, a hand may rest on it.
torques as (
    select
        merged.drive_id,
        merged.start_mono_ns,
        arg_min(
            car_state.steering_torque,
            (car_state.mono_ns, -car_state.segment_num, -car_state.message_num)
        ) as torque
    from (
        select
            *,
            unnest(
                seconds_between(
                    start_mono_ns, start_mono_ns + (select max_gap_ns from result.thresholds)
                )
            ) as mono_second
        from merged
        where axis = 'lateral'
    ) as merged
    inner join log.car_state as car_state
        on
            merged.drive_id = car_state.drive_id
            and merged.mono_second = car_state.mono_ns // 1000000000
            and merged.start_mono_ns <= car_state.mono_ns
            and merged.end_mono_ns > car_state.mono_ns
    where
        car_state.mono_ns - merged.start_mono_ns
        <= (select max_gap_ns from result.thresholds)
    group by merged.drive_id, merged.start_mono_ns
),

blinkers as (
    select merged.drive_id, merged.start_mono_ns, replace(min(runs.flag), '_blinker', '') as side
    from merged
    inner join result.car_state_runs as runs
        on
            merged.drive_id = runs.drive_id
            and merged.start_mono_ns >= runs.start_mono_ns
            and merged.start_mono_ns < runs.end_mono_ns
    where merged.axis = 'lateral' and runs.flag in ('left_blinker', 'right_blinker')
    group by merged.drive_id, merged.start_mono_ns
    having count(distinct runs.flag) = 1
),

sided as (
    select
        merged.*,
        torques.torque,
        blinkers.side as blinker_side,
        merged.start_mono_ns
        - case merged.axis
            when 'lateral' then (select prompt_before_ns from result.thresholds) else 1
        end as asked_from_ns,
        (
            merged.released_mono_ns - merged.start_mono_ns
            <= (select nudge_max_ns from result.thresholds)
        ) as is_brief
    from merged
    left join torques
        on
            merged.drive_id = torques.drive_id
            and merged.start_mono_ns = torques.start_mono_ns
            and merged.axis = 'lateral'
    left join blinkers
        on
            merged.drive_id = blinkers.drive_id
            and merged.start_mono_ns = blinkers.start_mono_ns
            and merged.axis = 'lateral'
),

warnings as (
    select
        drive_id,
        split_part(alert_type, '/', 1) as name,
        mono_ns as start_mono_ns,
        coalesce(
            lead(mono_ns) over (
                partition by drive_id, source order by mono_ns, segment_num, message_num
            ),
            mono_ns + 1
        ) as end_mono_ns
    from log.alert
    qualify name in (select name from staging.request_events where answer = 'nag_answer')
),

-- What openpilot or the car asks for, and the answer that a driver may give to it.
requests as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        'nudge' as answer,
        nullif(direction, 'none') as side
    from staging.lane_change_spans
    where state = 'preLaneChange'
    union all
    select spans.drive_id, spans.start_mono_ns, spans.end_mono_ns, events.answer, events.side
    from result.event_spans as spans
    inner join staging.request_events as events on spans.name = events.name
    union all
    select drive_id, start_mono_ns, end_mono_ns, 'nag_answer' as answer, null as side
    from warnings
    union all
    select drive_id, start_mono_ns, end_mono_ns, 'resume' as answer, null as side
    from result.car_state_runs
    where flag = 'standstill'
),

answers as (
    select
        sided.drive_id,
        sided.axis,
        sided.start_mono_ns,
        bool_or(
            requests.answer = 'nudge'
            and not is_turned_against(sided.torque, coalesce(requests.side, sided.blinker_side))
        ) as is_nudge,
        bool_or(requests.answer = 'nag_answer') as is_nag_answer,
        bool_or(requests.answer = 'resume') as is_resume
    from sided
    inner join requests
        on
            sided.drive_id = requests.drive_id
            and sided.axis
            = case requests.answer when 'resume' then 'longitudinal' else 'lateral' end
            and sided.start_mono_ns >= requests.start_mono_ns
            and sided.asked_from_ns < coalesce(requests.end_mono_ns, sided.start_mono_ns + 1)
    where sided.is_brief or sided.axis = 'longitudinal'
    group by sided.drive_id, sided.axis, sided.start_mono_ns
),

-- Where the logs don't say that lanes are changed, the blinker does.
flagged as (
    select
        sided.drive_id,
        sided.engagement_num,
        sided.mode,
        sided.axis,
        sided.start_mono_ns,
        sided.end_mono_ns,
        (sided.end_mono_ns - sided.start_mono_ns) / 1e9 as duration_s,
        sided.is_carried_in,
        (
            coalesce(answers.is_nudge, false)
            or (
                sided.is_brief
                and coalesce(sided.torque <> 0, false)
                and sided.blinker_side is not null
                and not is_turned_against(sided.torque, sided.blinker_side)
                and sided.drive_id not in (select drive_id from log.lane_change)
            )
        ) as is_nudge,
        coalesce(answers.is_nag_answer, false) as is_nag_answer,
        coalesce(answers.is_resume, false) as is_resume,
        sided.torque::double as steering_torque
    from sided
    left join answers
        on
            sided.drive_id = answers.drive_id
            and sided.axis = answers.axis
            and sided.start_mono_ns = answers.start_mono_ns
),

final as (
    select
        *,
        ((is_carried_in or is_nudge or is_nag_answer or is_resume) = false) as is_intervention
    from flagged
)

select * from final;
comment on column overrides.drive_id is 'number of the drive in this database';
comment on column overrides.engagement_num is 'the engagement that it is in';
comment on column overrides.mode is 'engaged or lateral_only, when it starts';
comment on column overrides.axis is 'lateral or longitudinal';
comment on column overrides.start_mono_ns is 'logMonoTime of the start';
comment on column overrides.end_mono_ns is 'logMonoTime of the end, which is not part of it';
comment on column overrides.duration_s is 'end - start';
comment on column overrides.is_carried_in is 'pressed already when the engagement (steering: of either mode, or after a pause), or what is known of it, began: no intervention';
comment on column overrides.is_nudge is 'confirms a lane change, towards it, and is over in {nudge_max_s} s: no intervention';
comment on column overrides.is_nag_answer is 'answers an alert to touch the wheel and is over in {nudge_max_s} s: no intervention';
comment on column overrides.is_resume is 'accelerator begun at standstill, or when asked to resume: no intervention';
comment on column overrides.is_intervention is 'the driver takes over: none of these';
comment on column overrides.steering_torque is 'steeringTorque at its start in the car''s own unit, left positive; null for the accelerator, or where carState does not say it';
