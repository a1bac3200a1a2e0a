-- What openpilot had learned of the car when a drive began, and when it ended.
--
-- grain:   one row per drive_id
-- reads:   result.drive_facts, result.learned_parameters, log.drive
-- null:    what no valid message of the drive tells
create or replace view learned_parameters as
with

final as (
    select
        facts.drive_id,
        drive.dongle_id,
        drive.drive,
        learned.* exclude (drive_id)
    from result.drive_facts as facts
    inner join log.drive on facts.drive_id = drive.drive_id
    left join result.learned_parameters as learned on facts.drive_id = learned.drive_id
)

select * from final;
comment on column learned_parameters.drive_id is 'number of the drive in this database';
comment on column learned_parameters.dongle_id is 'the device';
comment on column learned_parameters.drive is 'name of the drive, its log id';
comment on column learned_parameters.first_steer_ratio is 'liveParameters'' steer ratio when first valid';
comment on column learned_parameters.last_steer_ratio is 'the same when last valid';
comment on column learned_parameters.first_stiffness_factor is 'liveParameters'' factor of tire stiffness when first valid; 1 is the car''s nominal';
comment on column learned_parameters.last_stiffness_factor is 'the same when last valid';
comment on column learned_parameters.first_angle_offset_average_deg is 'liveParameters'' steering angle when driving straight, its slow average, when first valid';
comment on column learned_parameters.last_angle_offset_average_deg is 'the same when last valid';
comment on column learned_parameters.first_lat_accel_factor is 'liveTorqueParameters'' lateral acceleration in m/s2 at full torque when first valid; null before 0.9.0';
comment on column learned_parameters.last_lat_accel_factor is 'the same when last valid';
comment on column learned_parameters.first_lat_accel_offset is 'liveTorqueParameters'' lateral acceleration in m/s2 without torque when first valid';
comment on column learned_parameters.last_lat_accel_offset is 'the same when last valid';
comment on column learned_parameters.first_friction_coefficient is 'liveTorqueParameters'' friction of the steering when first valid';
comment on column learned_parameters.last_friction_coefficient is 'the same when last valid';
