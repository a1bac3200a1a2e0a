-- Segments in which the torques lie far enough apart, at whatever times, for an intervention.
--
-- grain:   one row per (drive_id, segment_num)
-- null:    never
-- why:     averages lie between the least and the greatest value, so what this leaves out can't
--          have an intervention, and most segments are left out. The margin is for rounding
create or replace view staging.legacy_steer_segments as
with

signals as (
    select * from log.can_signal
),

dates as (
    select * from staging.legacy_drive_dates
),

extremes as (
    select
        drive_id,
        segment_num,
        min(value) filter (where signal_key = 'steering_driver_torque') as least_driver_nm,
        max(value) filter (where signal_key = 'steering_driver_torque') as greatest_driver_nm,
        min(value) filter (where signal_key = 'steering_motor_torque') as least_motor_nm,
        max(value) filter (where signal_key = 'steering_motor_torque') as greatest_motor_nm
    from signals
    where signal_key in ('steering_driver_torque', 'steering_motor_torque')
    group by drive_id, segment_num
),

final as (
    select extremes.drive_id, extremes.segment_num
    from extremes
    inner join dates on extremes.drive_id = dates.drive_id
    where
        dates.counts_steering
        and greatest(
            extremes.greatest_driver_nm - extremes.least_motor_nm,
            extremes.greatest_motor_nm - extremes.least_driver_nm
        ) > 1.49::double
)

select * from final;
