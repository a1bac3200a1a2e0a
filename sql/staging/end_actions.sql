-- What pedals, buttons, gear and cruise did around the end of an engagement.
--
-- grain:   one row per (drive_id, engagement_num)
-- reads:   staging.engagement_ends, log.car_state, log.button_event, result.thresholds
-- null:    never
-- why:     samples are found by the second that they fall in, so that each meets few ends
create or replace view staging.end_actions as
with

looks as (
    select
        drive_id,
        engagement_num,
        end_mono_ns,
        from_mono_ns,
        until_mono_ns,
        from_mono_ns - (select max_gap_ns from result.thresholds) as look_from_ns,
        has_events
    from staging.engagement_ends
),

seconds as (
    select
        *,
        unnest(generate_series(look_from_ns // 1000000000, until_mono_ns // 1000000000))
            as mono_second
    from looks
),

samples as (
    select
        seconds.drive_id,
        seconds.engagement_num,
        seconds.end_mono_ns,
        seconds.from_mono_ns,
        car_state.mono_ns,
        car_state.segment_num,
        car_state.message_num,
        car_state.steering_disengage,
        car_state.gas_pressed,
        car_state.brake_pressed,
        car_state.regen_braking,
        car_state.cruise_enabled,
        car_state.cruise_available,
        car_state.gear
    from seconds
    inner join log.car_state
        on
            seconds.drive_id = car_state.drive_id
            and seconds.mono_second = car_state.mono_ns // 1000000000
            and seconds.look_from_ns <= car_state.mono_ns
            and seconds.until_mono_ns >= car_state.mono_ns
),

steps as (
    select
        *,
        lag(mono_ns) over by_time as previous_mono_ns,
        lag(gas_pressed) over by_time as previous_gas_pressed,
        lag(brake_pressed) over by_time as previous_brake_pressed,
        lag(cruise_enabled) over by_time as previous_cruise_enabled,
        lag(cruise_available) over by_time as previous_cruise_available,
        lag(gear) over by_time as previous_gear
    from samples
    window by_time as (
        partition by drive_id, engagement_num order by mono_ns, segment_num, message_num
    )
),

near as (
    select
        *,
        (
            mono_ns - previous_mono_ns <= (select max_gap_ns from result.thresholds)
        ) as follows
    from steps
    where mono_ns >= from_mono_ns
),

changes as (
    select
        drive_id,
        engagement_num,
        bool_or(steering_disengage) as has_steering_disengage,
        bool_or(brake_pressed or coalesce(regen_braking, false)) as has_brake,
        bool_or(gas_pressed) as has_gas,
        bool_or(follows and brake_pressed and not previous_brake_pressed) as brake_rose,
        bool_or(follows and gas_pressed and not previous_gas_pressed) as gas_rose,
        bool_or(
            follows and not cruise_enabled and previous_cruise_enabled and mono_ns <= end_mono_ns
        ) as cruise_fell,
        bool_or(follows and not cruise_enabled and previous_cruise_enabled) as cruise_fell_near,
        bool_or(follows and not cruise_available and previous_cruise_available) as main_fell,
        bool_or(
            follows and gear in ('park', 'reverse') and (gear is distinct from previous_gear)
        ) as parked
    from near
    group by drive_id, engagement_num
),

cancels as (
    select distinct looks.drive_id, looks.engagement_num
    from looks
    inner join log.button_event
        on
            looks.drive_id = button_event.drive_id
            and looks.from_mono_ns <= button_event.mono_ns
            and looks.until_mono_ns >= button_event.mono_ns
    where button_event.button = 'cancel' and button_event.pressed
),

final as (
    select
        looks.drive_id,
        looks.engagement_num,
        coalesce(changes.has_steering_disengage, false) as has_steering_disengage,
        coalesce(changes.has_brake, false) as has_brake,
        coalesce(changes.has_gas, false) as has_gas,
        coalesce(changes.brake_rose, false) as brake_rose,
        coalesce(changes.gas_rose, false) as gas_rose,
        (has_events and coalesce(changes.cruise_fell, false)) as cruise_fell,
        (not has_events and coalesce(changes.cruise_fell_near, false)) as cruise_fell_near,
        coalesce(changes.main_fell, false) as main_fell,
        coalesce(changes.parked, false) as parked,
        (cancels.engagement_num is not null) as has_cancel
    from looks
    left join changes
        on looks.drive_id = changes.drive_id and looks.engagement_num = changes.engagement_num
    left join cancels
        on looks.drive_id = cancels.drive_id and looks.engagement_num = cancels.engagement_num
)

select * from final;
