-- Ends of engagements at a known moment, each with its cause.
--
-- grain:   one row per (drive_id, engagement_num)
-- reads:   result.engagements, result.event_moments, staging.engagement_ends,
--          staging.end_events, staging.end_actions, result.thresholds
-- null:    cause_event without an event; speed and place where none was sampled shortly before
-- why:     event flags are read first, then pedals and buttons: the first rule that fits counts
create or replace view compute.disengagements as
with

engagements as (
    select drive_id, engagement_num, end_mono_ns, end_kind, duration_s, off_s
    from result.engagements
    where end_kind in ('disengagement', 'end_of_drive')
),

moments as (
    select drive_id, engagement_num, segment_num, speed_mps, latitude, longitude
    from result.event_moments
    where kind = 'disengagement'
),

ranked_events as (
    select
        drive_id,
        engagement_num,
        name,
        rule,
        row_number() over (
            partition by drive_id, engagement_num
            order by
                list_position(
                    [
                        'system_immediate', 'system_soft', 'driver_steer', 'driver_pedal',
                        'driver_cancel', 'driver_main', 'driver_park',
                        'driver_soft', 'driver_other', 'car_cruise'
                    ],
                    replace(rule, 'driver_soft_', 'system_soft')
                ),
                distance_ns,
                name
        ) as rank_num
    from staging.end_events
    where rule is not null
),

first_events as (
    select drive_id, engagement_num, name, rule from ranked_events where rank_num = 1
),

causes as (
    select
        ends.drive_id,
        ends.engagement_num,
        case
            when ends.end_kind = 'end_of_drive' then 'end_of_drive'
            when events.rule in ('system_immediate', 'system_soft', 'driver_soft_')
                then rtrim(events.rule, '_')
            when actions.has_steering_disengage or events.rule = 'driver_steer' then 'driver_steer'
            when events.rule = 'driver_pedal' and not actions.has_brake and actions.has_gas
                then 'driver_gas'
            when events.rule = 'driver_pedal' then 'driver_brake'
            when events.rule <> 'car_cruise' then events.rule
            when actions.brake_rose then 'driver_brake'
            when (events.rule = 'car_cruise' or actions.cruise_fell) and actions.has_cancel
                then 'driver_cancel'
            when events.rule = 'car_cruise' or actions.cruise_fell then 'car_cruise'
            when actions.gas_rose then 'driver_gas'
            when actions.has_cancel then 'driver_cancel'
            when actions.main_fell then 'driver_main'
            when actions.parked then 'driver_park'
            when actions.cruise_fell_near then 'car_cruise'
            else 'unknown'
        end as cause,
        events.rule,
        events.name,
        actions.has_brake,
        actions.has_gas,
        actions.cruise_fell
    from staging.engagement_ends as ends
    inner join staging.end_actions as actions
        on ends.drive_id = actions.drive_id and ends.engagement_num = actions.engagement_num
    left join first_events as events
        on ends.drive_id = events.drive_id and ends.engagement_num = events.engagement_num
),

explained as (
    select
        drive_id,
        engagement_num,
        cause,
        case
            when
                cause in ('end_of_drive', 'unknown')
                or (cause = 'driver_steer' and (rule is distinct from 'driver_steer'))
                then null
            else name
        end as cause_event,
        case
            when cause in ('end_of_drive', 'unknown', 'driver_steer') then false
            when cause = 'car_cruise' then (rule is distinct from 'car_cruise') and not cruise_fell
            when rule is null or rule = 'car_cruise' then true
            else rule = 'driver_pedal' and not has_brake and not has_gas
        end as is_inferred
    from causes
),

final as (
    select
        engagements.drive_id,
        engagements.engagement_num,
        engagements.end_mono_ns as mono_ns,
        moments.segment_num,
        explained.cause,
        explained.cause_event,
        (
            explained.cause <> 'end_of_drive'
            and engagements.duration_s
            >= (select counted_min_on_ns from result.thresholds) / 1e9
            and engagements.off_s >= (select counted_min_off_ns from result.thresholds) / 1e9
        ) as is_counted,
        explained.is_inferred,
        moments.speed_mps,
        moments.latitude,
        moments.longitude
    from engagements
    inner join explained
        on
            engagements.drive_id = explained.drive_id
            and engagements.engagement_num = explained.engagement_num
    inner join moments
        on
            engagements.drive_id = moments.drive_id
            and engagements.engagement_num = moments.engagement_num
)

select * from final;
