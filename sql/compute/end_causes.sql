-- What ended engagements at a known moment, and whether that was the driver taking over.
--
-- grain:   one row per (drive_id, engagement_num)
-- null:    cause_event without an event
-- why:     the first event that disables decides, and what follows it is its consequence. Where that
--          is the end of the car's cruise, or nothing but its fall, pedals, buttons and the car tell
--          what ended it. Without either, what the driver did first decides.
--          is_only_joining is what the driver did without pedal or wheel: no taking over by itself;
--          with them it began when they did, belt, door and inattention being no input.
--          While only steering is on the pedals are driving, and join nothing
create or replace view compute.end_causes as
with

cars as (
    select
        drive_id,
        arg_min(pcm_cruise, mono_ns) as is_pcm_cruise,
        arg_min(min_enable_speed_mps, mono_ns) as min_enable_speed_mps
    from log.car_params
    group by drive_id
),

ends as (
    select
        engagements.*,
        (facts.event_source is not null) as has_events,
        coalesce(cars.is_pcm_cruise, true) as is_pcm_cruise,
        cars.min_enable_speed_mps,
        engagements.end_mono_ns - (select max_gap_ns from result.thresholds) as from_mono_ns
    from result.engagements as engagements
    inner join result.drive_facts as facts on engagements.drive_id = facts.drive_id
    left join cars on engagements.drive_id = cars.drive_id
    where engagements.end_kind in ('disengagement', 'end_of_drive')
),

seconds as (
    select
        drive_id,
        engagement_num,
        end_mono_ns,
        from_mono_ns,
        unnest(seconds_between(from_mono_ns, end_mono_ns)) as mono_second
    from ends
),

speeds as (
    select
        seconds.drive_id,
        seconds.engagement_num,
        arg_max(
            car_state.v_ego_mps,
            message_order(car_state.mono_ns, car_state.segment_num, car_state.message_num)
        ) as speed_mps
    from seconds
    inner join log.car_state
        on
            seconds.drive_id = car_state.drive_id
            and seconds.mono_second = car_state.mono_ns // 1000000000
            and seconds.end_mono_ns >= car_state.mono_ns
            and seconds.from_mono_ns <= car_state.mono_ns
    group by seconds.drive_id, seconds.engagement_num
),

evidence as (
    select
        evidence.*,
        (evidence.mono_ns, evidence.event_order, evidence.name) as place,
        (evidence.evidence = 'event') as is_event,
        (evidence.evidence = 'pedal') as is_pedal,
        (evidence.evidence = 'cruise' and ends.mode = 'engaged' and ends.is_pcm_cruise) as is_fall,
        (
            evidence.evidence in ('wheel', 'pedal', 'button', 'gear', 'main')
            and evidence.mono_ns <= ends.cause_until_mono_ns
            and (evidence.name <> 'gas' or (ends.mode = 'engaged' and not ends.has_events))
        ) as is_action
    from result.end_evidence as evidence
    inner join ends
        on
            evidence.drive_id = ends.drive_id
            and evidence.engagement_num = ends.engagement_num
),

firsts as (
    select
        drive_id,
        engagement_num,
        arg_min(name, place) filter (where is_event) as event_name,
        arg_min(cause, place) filter (where is_event) as event_cause,
        arg_min(event_order, place) filter (where is_event) as event_order,
        min(mono_ns) filter (where is_event) as event_mono_ns,
        min(mono_ns) filter (where is_fall) as fall_mono_ns,
        arg_min(cause, place) filter (where is_action) as action,
        arg_min(evidence, place) filter (where is_action) as action_evidence,
        min(mono_ns) filter (where is_action) as action_mono_ns,
        bool_or(name = 'brake') filter (where is_pedal) as brake_rose,
        bool_or(name = 'gas') filter (where is_pedal) as gas_rose
    from evidence
    group by drive_id, engagement_num
),

-- consequence_until_ns is null where the end is not that of the car's cruise.
told as (
    select
        ends.*,
        firsts.* exclude (drive_id, engagement_num),
        case
            when firsts.event_cause = 'cruise' then least(firsts.event_mono_ns, firsts.fall_mono_ns)
            when
                (
                    firsts.event_cause is null
                    and coalesce(firsts.fall_mono_ns < firsts.action_mono_ns, true)
                )
                or (firsts.event_order >= 20 and firsts.fall_mono_ns < firsts.event_mono_ns)
                then firsts.fall_mono_ns
        end + (select consequence_ns from result.thresholds) as consequence_until_ns
    from ends
    left join firsts
        on ends.drive_id = firsts.drive_id and ends.engagement_num = firsts.engagement_num
),

answers as (
    select
        told.drive_id,
        told.engagement_num,
        arg_min(
            case when evidence.cause = 'pedal' then 'driver_brake' else evidence.cause end,
            evidence.place
        ) filter (
            where
            evidence.cause in ('driver_brake', 'driver_cancel', 'pedal')
            and evidence.mono_ns <= told.consequence_until_ns
        ) as cause,
        bool_or(evidence.name = 'pcmDisable') as has_pcm_disable,
        bool_or(evidence.name = 'gas' and evidence.mono_ns <= told.consequence_until_ns)
            as has_gas_rise
    from told
    inner join evidence
        on told.drive_id = evidence.drive_id and told.engagement_num = evidence.engagement_num
    where told.consequence_until_ns is not null
    group by told.drive_id, told.engagement_num
),

faults as (
    select distinct told.drive_id, told.engagement_num
    from told
    inner join result.event_spans as spans
        on
            told.drive_id = spans.drive_id
            and told.cause_from_mono_ns <= spans.end_mono_ns
            and told.consequence_until_ns >= spans.start_mono_ns
    where spans.name in ('accFaulted', 'espDisabled', 'stockAeb')
),

explained as (
    select
        told.*,
        inputs.* exclude (drive_id, engagement_num),
        case
            when told.end_kind = 'end_of_drive' then 'end_of_drive'
            when told.consequence_until_ns is not null and answers.cause is not null
                then answers.cause
            when
                told.consequence_until_ns is not null
                and (
                    (inputs.is_standstill and not coalesce(answers.has_gas_rise, false))
                    or inputs.has_fault
                    or faults.drive_id is not null
                    or (
                        told.min_enable_speed_mps > 0
                        and speeds.speed_mps
                        < told.min_enable_speed_mps
                        + (select cruise_min_margin_mps from result.thresholds)
                    )
                )
                then 'car_cruise'
            when
                told.consequence_until_ns is not null
                and (told.event_cause is null or (told.event_cause = 'cruise' and answers.has_pcm_disable))
                then 'driver_cancel'
            when told.event_cause = 'cruise' then 'car_cruise'
            when
                told.event_cause = 'pedal'
                and inputs.has_gas
                and (not inputs.has_brake or (told.gas_rose and not told.brake_rose))
                then 'driver_gas'
            when told.event_cause = 'pedal' then 'driver_brake'
            else coalesce(told.event_cause, told.action, 'unknown')
        end as cause
    from told
    inner join staging.end_inputs as inputs
        on told.drive_id = inputs.drive_id and told.engagement_num = inputs.engagement_num
    left join speeds
        on told.drive_id = speeds.drive_id and told.engagement_num = speeds.engagement_num
    left join faults
        on told.drive_id = faults.drive_id and told.engagement_num = faults.engagement_num
    left join answers
        on told.drive_id = answers.drive_id and told.engagement_num = answers.engagement_num
),

presses as (
    select
        explained.drive_id,
        explained.engagement_num,
        min(evidence.mono_ns) as press_mono_ns
    from explained
    inner join evidence
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
        causes.who,
        presses.press_mono_ns,
        (explained.mode = 'lateral_only' and explained.cause in ('driver_brake', 'driver_gas'))
            as is_pause,
        (explained.cause in ('driver_soft', 'driver_park', 'driver_inattention')) as is_joined,
        (explained.has_brake and explained.mode = 'engaged') as joins_brake,
        (explained.has_gas and explained.mode = 'engaged') as joins_gas,
        (explained.cause in ('end_of_drive', 'unknown')) as is_unexplained
    from explained
    inner join staging.causes as causes on explained.cause = causes.cause
    left join presses
        on
            explained.drive_id = presses.drive_id
            and explained.engagement_num = presses.engagement_num
),

final as (
    select
        drive_id,
        engagement_num,
        mode,
        to_mode,
        end_mono_ns as mono_ns,
        end_uncertainty_s,
        cause,
        case when not is_unexplained then event_name end as cause_event,
        (
            cause <> 'end_of_drive'
            and duration_s >= (select counted_min_on_ns from result.thresholds) / 1e9
            and off_s >= (select counted_min_off_ns from result.thresholds) / 1e9
        ) as is_counted,
        case
            when is_unexplained then false
            when consequence_until_ns is not null and (cause is distinct from event_cause)
                then cause <> 'car_cruise' or (event_cause is distinct from 'cruise')
            when event_cause = 'pedal' then not has_brake and not has_gas
            when event_cause is not null then false
            else action_evidence <> 'wheel'
        end as is_inferred,
        is_pause,
        (who = 'driver' and not is_pause) as is_by_driver,
        (is_joined and not (joins_brake or joins_gas or has_steering)) as is_only_joining,
        list_sort(list_distinct([
            input,
            case when is_joined and joins_brake then 'brake' end,
            case when is_joined and joins_gas then 'gas' end,
            case when is_joined and has_steering then 'steer' end
        ])) as inputs,
        greatest(
            start_mono_ns,
            least(
                end_mono_ns,
                case
                    when not is_joined or input is not null or joining_mono_ns is null
                        then press_mono_ns
                end,
                case when is_joined then joining_mono_ns end,
                case when cause = 'driver_steer' then steering_mono_ns end
            )
        ) as press_mono_ns
    from judged
)

select * from final;
