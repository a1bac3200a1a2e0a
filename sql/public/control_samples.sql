-- What openpilot asks of the car, message by message.
--
-- grain:   one row per (drive_id, segment_num, message_num)
-- null:    what the log does not say; at_utc without a clock that was set
create or replace view control_samples as
with

final as (
    select
        samples.drive_id,
        samples.segment_num,
        samples.message_num,
        samples.mono_ns,
        samples.enabled as is_control_enabled,
        samples.lat_active,
        samples.long_active,
        samples.accel_mps2 as accel_command_mps2,
        samples.torque as torque_command,
        samples.steering_angle_deg as steering_angle_command_deg,
        samples.curvature_per_m as curvature_command_per_m,
        samples.is_lead_visible,
        samples.visual_alert
    from log.car_control as samples
)

select * from final;
