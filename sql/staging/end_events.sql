-- Events around the end of an engagement, with the rule of the causes that each fits.
--
-- grain:   one row per (drive_id, engagement_num) and event of a message
-- reads:   staging.engagement_ends, staging.drive_events, staging.control_samples
-- null:    rule where the event explains nothing
-- why:     driver_soft_ is a soft disable, driver_soft the same cause by an immediate user disable
create or replace view staging.end_events as
with

softly as (
    select distinct ends.drive_id, ends.engagement_num
    from staging.engagement_ends as ends
    inner join staging.control_samples as samples
        on
            ends.drive_id = samples.drive_id
            and ends.from_mono_ns <= samples.mono_ns
            and ends.end_mono_ns > samples.mono_ns
    where samples.state = 'softDisabling'
),

around as (
    select
        ends.drive_id,
        ends.engagement_num,
        events.name,
        abs(events.mono_ns - ends.end_mono_ns) as distance_ns,
        (events.mono_ns >= ends.from_mono_ns) as is_near,
        (softly.engagement_num is not null) as is_soft_end,
        events.user_disable,
        events.soft_disable,
        events.immediate_disable
    from staging.engagement_ends as ends
    inner join staging.drive_events as events
        on
            ends.drive_id = events.drive_id
            and ends.soft_from_mono_ns <= events.mono_ns
            and ends.until_mono_ns >= events.mono_ns
    left join softly
        on ends.drive_id = softly.drive_id and ends.engagement_num = softly.engagement_num
    where events.name is not null
),

final as (
    select
        drive_id,
        engagement_num,
        name,
        distance_ns,
        case
            when is_near and immediate_disable then 'system_immediate'
            when
                soft_disable
                and is_soft_end
                and name in ('doorOpen', 'seatbeltNotLatched', 'wrongGear')
                then 'driver_soft_'
            when soft_disable and is_soft_end then 'system_soft'
            when not is_near or not user_disable then null
            when name in ('steeringDisengage', 'steerDisengage') then 'driver_steer'
            when name = 'pedalPressed' then 'driver_pedal'
            when name = 'buttonCancel' then 'driver_cancel'
            when name = 'wrongCarMode' then 'driver_main'
            when name in ('parkBrake', 'brakeHold', 'reverseGear') then 'driver_park'
            when name in ('doorOpen', 'seatbeltNotLatched', 'wrongGear') then 'driver_soft'
            when name in ('pcmDisable', 'cruiseDisabled') then 'car_cruise'
            else 'driver_other'
        end as rule
    from around
)

select * from final;
