-- What the car says, message by message.
--
-- grain:   one row per (drive_id, segment_num, message_num)
-- null:    what the log does not say; at_utc without a clock that was set
create or replace view car_samples as
with

final as (
    select
        samples.drive_id,
        samples.segment_num,
        samples.message_num,
        samples.mono_ns,
        samples.v_ego_mps,
        samples.a_ego_mps2,
        samples.steering_angle_deg,
        samples.steering_rate_deg_per_s,
        samples.steering_torque,
        samples.steering_torque_eps,
        samples.steering_pressed,
        samples.steering_disengage,
        samples.gas_pressed,
        samples.brake_pressed,
        samples.regen_braking,
        samples.standstill,
        samples.left_blinker,
        samples.right_blinker,
        samples.door_open,
        samples.seatbelt_unlatched,
        samples.parking_brake,
        samples.brake_hold_active,
        samples.stock_aeb,
        samples.stock_fcw,
        samples.acc_faulted,
        samples.esp_disabled,
        samples.cruise_enabled,
        samples.cruise_available,
        samples.cruise_speed_mps,
        samples.v_cruise_kph,
        samples.gear
    from log.car_state as samples
)

select * from final;
