-- What ended engagements at a known moment, and whether that was the driver taking over.
--
-- grain:   one row per (drive_id, engagement_num)
-- null:    cause_event without an event
-- why:     the first event that disables decides, and what follows it is its consequence. Where that
--          is the end of the car's cruise, or nothing but its fall, pedals, buttons and the car tell
--          what ended it. Without either, what the driver did first decides.
--          is_only_joining is what the driver did without pedal or wheel: no taking over by itself.
--          While only steering is on the pedals are driving, and join nothing
create or replace view compute.end_causes as
with

engagements as (
    select
        drive_id,
        engagement_num,
        mode,
        to_mode,
        start_mono_ns,
        end_mono_ns,
        end_kind,
        duration_s,
        off_s,
        end_uncertainty_s
    from result.engagements
    where end_kind in ('disengagement', 'end_of_drive')
),

speeds as (
    select
        ends.drive_id,
        ends.engagement_num,
        arg_max(car_state.v_ego_mps, (car_state.mono_ns, car_state.message_num)) as speed_mps
    from (
        select *, unnest([end_mono_ns // 1000000000 - 1, end_mono_ns // 1000000000]) as mono_second
        from engagements
    ) as ends
    inner join log.car_state as car_state
        on
            ends.drive_id = car_state.drive_id
            and ends.mono_second = car_state.mono_ns // 1000000000
            and ends.end_mono_ns >= car_state.mono_ns
    where ends.end_mono_ns - car_state.mono_ns <= (select max_gap_ns from result.thresholds)
    group by ends.drive_id, ends.engagement_num
),

first_events as (
    select drive_id, engagement_num, mono_ns, name, cause, event_order
    from result.end_evidence
    where evidence = 'event'
    qualify
        row_number() over (
            partition by drive_id, engagement_num order by mono_ns, event_order, name
        ) = 1
),

cars as (
    select
        drive_id,
        coalesce(arg_min(pcm_cruise, mono_ns), true) as is_pcm_cruise,
        arg_min(min_enable_speed_mps, mono_ns) as min_enable_speed_mps
    from log.car_params
    group by drive_id
),

falls as (
    select evidence.drive_id, evidence.engagement_num, min(evidence.mono_ns) as mono_ns
    from result.end_evidence as evidence
    inner join result.engagement_ends as ends
        on
            evidence.drive_id = ends.drive_id
            and evidence.engagement_num = ends.engagement_num
    left join cars on evidence.drive_id = cars.drive_id
    where
        evidence.evidence = 'cruise'
        and ends.mode = 'engaged'
        and coalesce(cars.is_pcm_cruise, true)
    group by evidence.drive_id, evidence.engagement_num
),

actions as (
    select
        evidence.drive_id,
        evidence.engagement_num,
        evidence.evidence,
        evidence.cause,
        evidence.mono_ns
    from result.end_evidence as evidence
    inner join result.engagement_ends as ends
        on
            evidence.drive_id = ends.drive_id
            and evidence.engagement_num = ends.engagement_num
            and evidence.mono_ns <= ends.until_mono_ns
    where
        evidence.evidence in ('wheel', 'pedal', 'button', 'gear', 'main')
        and (evidence.name <> 'gas' or (ends.mode = 'engaged' and not ends.has_events))
    qualify
        row_number() over (
            partition by evidence.drive_id, evidence.engagement_num
            order by evidence.mono_ns, evidence.event_order, evidence.name
        ) = 1
),

cruise_ends as (
    select
        ends.drive_id,
        ends.engagement_num,
        case
            when events.cause = 'cruise' then least(events.mono_ns, falls.mono_ns)
            else falls.mono_ns
        end as mono_ns
    from result.engagement_ends as ends
    left join first_events as events
        on ends.drive_id = events.drive_id and ends.engagement_num = events.engagement_num
    left join falls
        on ends.drive_id = falls.drive_id and ends.engagement_num = falls.engagement_num
    left join actions
        on ends.drive_id = actions.drive_id and ends.engagement_num = actions.engagement_num
    where
        events.cause = 'cruise'
        or (events.cause is null and falls.mono_ns < coalesce(actions.mono_ns, falls.mono_ns + 1))
        or (events.event_order >= 20 and falls.mono_ns < events.mono_ns)
),

answers as (
    select
        cruise_ends.drive_id,
        cruise_ends.engagement_num,
        arg_min(
            case when evidence.cause = 'pedal' then 'driver_brake' else evidence.cause end,
            (evidence.mono_ns, evidence.event_order, evidence.name)
        ) filter (
            where
            evidence.cause in ('driver_brake', 'driver_cancel', 'pedal')
            and evidence.mono_ns
            <= cruise_ends.mono_ns + (select consequence_ns from result.thresholds)
        ) as cause,
        coalesce(bool_or(evidence.name = 'pcmDisable'), false) as has_pcm_disable,
        coalesce(
            bool_or(
                evidence.name = 'gas'
                and evidence.mono_ns
                <= cruise_ends.mono_ns + (select consequence_ns from result.thresholds)
            ),
            false
        ) as has_gas_rise
    from cruise_ends
    inner join result.end_evidence as evidence
        on
            cruise_ends.drive_id = evidence.drive_id
            and cruise_ends.engagement_num = evidence.engagement_num
    group by cruise_ends.drive_id, cruise_ends.engagement_num
),

faults as (
    select distinct cruise_ends.drive_id, cruise_ends.engagement_num
    from cruise_ends
    inner join result.engagement_ends as ends
        on
            cruise_ends.drive_id = ends.drive_id
            and cruise_ends.engagement_num = ends.engagement_num
    inner join result.event_spans as spans
        on
            cruise_ends.drive_id = spans.drive_id
            and ends.from_mono_ns <= spans.end_mono_ns
            and cruise_ends.mono_ns + (select consequence_ns from result.thresholds)
            >= spans.start_mono_ns
    where spans.name in ('accFaulted', 'espDisabled', 'stockAeb')
),

rises as (
    select
        drive_id,
        engagement_num,
        bool_or(name = 'brake') as brake_rose,
        bool_or(name = 'gas') as gas_rose
    from result.end_evidence
    where evidence = 'pedal'
    group by drive_id, engagement_num
),

told as (
    select
        ends.drive_id,
        ends.engagement_num,
        ends.mode,
        ends.end_mono_ns,
        ends.end_kind,
        events.name,
        events.cause as event_cause,
        answers.cause as answer,
        actions.cause as action,
        actions.evidence as action_evidence,
        (cruise_ends.drive_id is not null) as is_cruise_end,
        (
            (inputs.is_standstill and not coalesce(answers.has_gas_rise, false))
            or inputs.has_fault
            or faults.drive_id is not null
            or coalesce(
                cars.min_enable_speed_mps > 0
                and speeds.speed_mps
                < cars.min_enable_speed_mps
                + (select cruise_min_margin_mps from result.thresholds),
                false
            )
        ) as is_car,
        coalesce(answers.has_pcm_disable, false) as has_pcm_disable,
        (
            inputs.has_gas
            and (
                not inputs.has_brake
                or coalesce(rises.gas_rose and not rises.brake_rose, false)
            )
        ) as is_gas,
        inputs.has_brake,
        inputs.has_gas,
        inputs.has_steering,
        inputs.steering_mono_ns
    from result.engagement_ends as ends
    inner join staging.end_inputs as inputs
        on ends.drive_id = inputs.drive_id and ends.engagement_num = inputs.engagement_num
    left join speeds
        on ends.drive_id = speeds.drive_id and ends.engagement_num = speeds.engagement_num
    left join first_events as events
        on ends.drive_id = events.drive_id and ends.engagement_num = events.engagement_num
    left join cruise_ends
        on
            ends.drive_id = cruise_ends.drive_id
            and ends.engagement_num = cruise_ends.engagement_num
    left join faults
        on ends.drive_id = faults.drive_id and ends.engagement_num = faults.engagement_num
    left join answers
        on ends.drive_id = answers.drive_id and ends.engagement_num = answers.engagement_num
    left join actions
        on ends.drive_id = actions.drive_id and ends.engagement_num = actions.engagement_num
    left join rises
        on ends.drive_id = rises.drive_id and ends.engagement_num = rises.engagement_num
    left join cars on ends.drive_id = cars.drive_id
),

explained as (
    select
        *,
        case
            when end_kind = 'end_of_drive' then 'end_of_drive'
            when is_cruise_end and answer is not null then answer
            when is_cruise_end and is_car then 'car_cruise'
            when
                is_cruise_end
                and (event_cause is null or (event_cause = 'cruise' and has_pcm_disable))
                then 'driver_cancel'
            when event_cause = 'cruise' then 'car_cruise'
            when event_cause = 'pedal' and is_gas then 'driver_gas'
            when event_cause = 'pedal' then 'driver_brake'
            else coalesce(event_cause, action, 'unknown')
        end as cause
    from told
),

presses as (
    select
        explained.drive_id,
        explained.engagement_num,
        min(evidence.mono_ns) as press_mono_ns
    from explained
    inner join result.end_evidence as evidence
        on
            explained.drive_id = evidence.drive_id
            and explained.engagement_num = evidence.engagement_num
            and explained.cause = evidence.cause
            and explained.end_mono_ns >= evidence.mono_ns
    group by explained.drive_id, explained.engagement_num
),

judged as (
    select
        explained.*,
        causes.input,
        explained.mode = 'lateral_only' and explained.cause in ('driver_brake', 'driver_gas')
            as is_pause,
        explained.cause in ('driver_soft', 'driver_park', 'driver_inattention') as is_joined,
        explained.has_brake and explained.mode = 'engaged' as joins_brake,
        explained.has_gas and explained.mode = 'engaged' as joins_gas,
        causes.who = 'driver' as is_driver
    from explained
    inner join staging.causes as causes on explained.cause = causes.cause
),

final as (
    select
        engagements.drive_id,
        engagements.engagement_num,
        engagements.mode,
        engagements.to_mode,
        engagements.end_mono_ns as mono_ns,
        engagements.end_uncertainty_s,
        judged.cause,
        case when judged.cause not in ('end_of_drive', 'unknown') then judged.name end
            as cause_event,
        (
            judged.cause <> 'end_of_drive'
            and engagements.duration_s
            >= (select counted_min_on_ns from result.thresholds) / 1e9
            and engagements.off_s >= (select counted_min_off_ns from result.thresholds) / 1e9
        ) as is_counted,
        case
            when judged.cause in ('end_of_drive', 'unknown') then false
            when judged.is_cruise_end and (judged.cause is distinct from judged.event_cause)
                then judged.cause <> 'car_cruise' or (judged.event_cause is distinct from 'cruise')
            when judged.event_cause = 'pedal' then not judged.has_brake and not judged.has_gas
            when judged.event_cause is not null then false
            else judged.action_evidence <> 'wheel'
        end as is_inferred,
        judged.is_pause,
        (judged.is_driver and not judged.is_pause) as is_by_driver,
        (
            judged.is_joined
            and not (judged.joins_brake or judged.joins_gas or judged.has_steering)
        ) as is_only_joining,
        list_sort(list_distinct([
            judged.input,
            case when judged.is_joined and judged.joins_brake then 'brake' end,
            case when judged.is_joined and judged.joins_gas then 'gas' end,
            case when judged.is_joined and judged.has_steering then 'steer' end
        ])) as inputs,
        greatest(
            engagements.start_mono_ns,
            least(
                engagements.end_mono_ns,
                presses.press_mono_ns,
                case when judged.cause = 'driver_steer' then judged.steering_mono_ns end
            )
        ) as press_mono_ns
    from engagements
    inner join judged
        on
            engagements.drive_id = judged.drive_id
            and engagements.engagement_num = judged.engagement_num
    left join presses
        on
            engagements.drive_id = presses.drive_id
            and engagements.engagement_num = presses.engagement_num
)

select * from final;
