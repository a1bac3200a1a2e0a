-- Distance of a drive by its odometer, whole and engaged.
--
-- grain:   one row per drive_id with an odometer
-- null:    never: without an increment while engaged, engaged_distance_km is 0
-- why:     increments span segments; those of 1 km and more are jumps; the sum of binary fractions
--          runs in message order, because rates divide it and round where it may be a tie
create or replace view compute.legacy_odometer as
with

signals as (
    select * from log.can_signal
),

changes as (
    select * from result.legacy_state_changes
),

readings as (
    select
        drive_id,
        message_position(segment_num, message_num) as place,
        frame_num,
        value as odometer_km,
        value - lag(value) over in_order as increment_km,
        (lag(frame_num) over in_order is null) as is_first,
        (lead(frame_num) over in_order is null) as is_last
    from signals
    where signal_key = 'odometer'
    window in_order as (partition by drive_id order by segment_num, message_num, frame_num)
),

telling as (
    select
        readings.drive_id,
        readings.place,
        readings.frame_num,
        readings.odometer_km,
        readings.is_first,
        readings.is_last,
        case
            when changes.active and readings.increment_km > 0 and readings.increment_km < 1
                then readings.increment_km
        end as engaged_km
    from readings
    asof left join changes
        on readings.drive_id = changes.drive_id and readings.place >= changes.place
    where readings.is_first or readings.is_last or readings.increment_km > 0
),

final as (
    select
        drive_id,
        any_value(odometer_km) filter (where is_last)
        - any_value(odometer_km) filter (where is_first) as distance_km,
        coalesce(sum(engaged_km order by place, frame_num), 0) as engaged_distance_km
    from telling
    group by drive_id
)

select * from final;
