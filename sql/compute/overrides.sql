-- Driver input that goes on while openpilot assists: steering, or accelerating without disengaging.
--
-- grain:   one row per (drive_id, axis, start_mono_ns)
-- null:    steering_torque where carState does not say it
-- why:     a press that ends the engagement is the disengagement, no override. Presses that are too
--          short are dropped before others are merged, or a noisy sensor's blips would chain. Those
--          carried in go with no later press; of two sources that tell of one, it is still one
create or replace view compute.overrides as
with

nags as (
    select unnest(
        [
            'preDriverUnresponsive',
            'promptDriverUnresponsive',
            'driverUnresponsive',
            'driverUnresponsive1',
            'driverUnresponsive2',
            'driverUnresponsive3'
        ]
    ) as name
),

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

briefly as (
    select
        merged.drive_id,
        merged.axis,
        merged.start_mono_ns,
        merged.start_mono_ns - (select prompt_before_ns from result.thresholds) as from_mono_ns,
        torques.torque,
        blinkers.side as blinker_side
    from merged
    left join torques
        on
            merged.drive_id = torques.drive_id
            and merged.start_mono_ns = torques.start_mono_ns
    left join blinkers
        on
            merged.drive_id = blinkers.drive_id
            and merged.start_mono_ns = blinkers.start_mono_ns
    where
        merged.axis = 'lateral'
        and merged.released_mono_ns - merged.start_mono_ns
        <= (select nudge_max_ns from result.thresholds)
),

nagged as (
    select
        drive_id,
        mono_ns as start_mono_ns,
        coalesce(
            lead(mono_ns) over (
                partition by drive_id, source order by mono_ns, segment_num, message_num
            ),
            mono_ns + 1
        ) as end_mono_ns,
        split_part(alert_type, '/', 1) as name
    from log.alert
    qualify name in (select nags.name from nags)
),

prompted as (
    select briefly.drive_id, briefly.start_mono_ns, 'nudge' as prompt
    from briefly
    inner join staging.lane_change_spans as spans
        on
            briefly.drive_id = spans.drive_id
            and briefly.start_mono_ns >= spans.start_mono_ns
            and briefly.from_mono_ns < coalesce(spans.end_mono_ns, briefly.start_mono_ns + 1)
    where
        spans.state = 'preLaneChange'
        and not is_turned_against(
            briefly.torque, coalesce(nullif(spans.direction, 'none'), briefly.blinker_side)
        )
    union all
    select briefly.drive_id, briefly.start_mono_ns, 'nudge' as prompt
    from briefly
    inner join result.event_spans as spans
        on
            briefly.drive_id = spans.drive_id
            and briefly.start_mono_ns >= spans.start_mono_ns
            and briefly.from_mono_ns < spans.end_mono_ns
    where
        spans.name in ('preLaneChangeLeft', 'preLaneChangeRight')
        and not is_turned_against(
            briefly.torque, lower(replace(spans.name, 'preLaneChange', ''))
        )
    union all
    select briefly.drive_id, briefly.start_mono_ns, 'nag_answer' as prompt
    from briefly
    inner join result.event_spans as spans
        on
            briefly.drive_id = spans.drive_id
            and briefly.start_mono_ns >= spans.start_mono_ns
            and briefly.from_mono_ns < spans.end_mono_ns
    where spans.name in (select nags.name from nags)
    union all
    select briefly.drive_id, briefly.start_mono_ns, 'nag_answer' as prompt
    from briefly
    inner join nagged
        on
            briefly.drive_id = nagged.drive_id
            and briefly.start_mono_ns >= nagged.start_mono_ns
            and briefly.from_mono_ns < nagged.end_mono_ns
),

blinking as (
    select drive_id, start_mono_ns, 'nudge' as prompt
    from briefly
    where
        torque <> 0
        and blinker_side is not null
        and not is_turned_against(torque, blinker_side)
        and drive_id not in (select drive_id from log.lane_change)
),

resumed as (
    select distinct merged.drive_id, merged.start_mono_ns
    from merged
    inner join result.car_state_runs as runs
        on
            merged.drive_id = runs.drive_id
            and merged.start_mono_ns >= runs.start_mono_ns
            and merged.start_mono_ns <= runs.end_mono_ns
    where merged.axis = 'longitudinal' and runs.flag = 'standstill'
    union
    select merged.drive_id, merged.start_mono_ns
    from merged
    inner join result.event_spans as spans
        on
            merged.drive_id = spans.drive_id
            and merged.start_mono_ns >= spans.start_mono_ns
            and merged.start_mono_ns <= spans.end_mono_ns
    where merged.axis = 'longitudinal' and spans.name = 'resumeRequired'
),

prompts as (
    select
        drive_id,
        start_mono_ns,
        bool_or(prompt = 'nudge') as is_nudge,
        bool_or(prompt = 'nag_answer') as is_nag_answer
    from (
        select * from prompted
        union all
        select * from blinking
    ) as prompts
    group by drive_id, start_mono_ns
),

flagged as (
    select
        merged.drive_id,
        merged.engagement_num,
        merged.mode,
        merged.axis,
        merged.start_mono_ns,
        merged.end_mono_ns,
        (merged.end_mono_ns - merged.start_mono_ns) / 1e9 as duration_s,
        merged.is_carried_in,
        (merged.axis = 'lateral' and coalesce(prompts.is_nudge, false)) as is_nudge,
        (merged.axis = 'lateral' and coalesce(prompts.is_nag_answer, false)) as is_nag_answer,
        (resumed.drive_id is not null) as is_resume,
        torques.torque::double as steering_torque
    from merged
    left join prompts
        on
            merged.drive_id = prompts.drive_id
            and merged.start_mono_ns = prompts.start_mono_ns
    left join resumed
        on
            merged.drive_id = resumed.drive_id
            and merged.start_mono_ns = resumed.start_mono_ns
            and merged.axis = 'longitudinal'
    left join torques
        on
            merged.drive_id = torques.drive_id
            and merged.start_mono_ns = torques.start_mono_ns
            and merged.axis = 'lateral'
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
