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
        (samples.mono_ns - facts.first_mono_ns) / 1e9 as time_s,
        wall_time(identity.started_at_utc, facts.first_mono_ns, samples.mono_ns) as at_utc,
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
    inner join result.drive_facts as facts on samples.drive_id = facts.drive_id
    left join result.drive_identity as identity on samples.drive_id = identity.drive_id
)

select * from final;
comment on column car_samples.time_s is 'seconds from the first sample of the drive';
comment on column car_samples.at_utc is 'when it was logged; null without a clock that was set';
