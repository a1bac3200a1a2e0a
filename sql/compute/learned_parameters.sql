-- What openpilot had learned of the car when a drive began, and when it ended.
--
-- grain:   one row per drive_id
-- null:    what no valid message tells; a steer ratio or a factor of 0 was not logged, nor was what
--          stands beside it
create or replace view compute.learned_parameters as
with

messages as (
    select
        drive_id,
        mono_ns,
        segment_num,
        message_num,
        'steering' as kind,
        steer_ratio,
        stiffness_factor,
        angle_offset_average_deg,
        null::float as lat_accel_factor,
        null::float as lat_accel_offset,
        null::float as friction_coefficient
    from log.live_parameters
    where is_valid and steer_ratio <> 0
    union all
    select
        drive_id,
        mono_ns,
        segment_num,
        message_num,
        'torque' as kind,
        null::float,
        null::float,
        null::float,
        lat_accel_factor,
        lat_accel_offset,
        friction_coefficient
    from log.live_torque_parameters
    where is_valid and lat_accel_factor <> 0
),

numbered as (
    select
        *,
        lag(mono_ns) over by_time is null as is_first,
        lead(mono_ns) over by_time is null as is_last
    from messages
    window by_time as (
        partition by drive_id, kind order by mono_ns, segment_num, message_num
    )
),

learned as (
    select
        drive_id,
        max(steer_ratio) filter (where is_first)::double as first_steer_ratio,
        max(steer_ratio) filter (where is_last)::double as last_steer_ratio,
        max(stiffness_factor) filter (where is_first)::double as first_stiffness_factor,
        max(stiffness_factor) filter (where is_last)::double as last_stiffness_factor,
        max(angle_offset_average_deg) filter (where is_first)::double
            as first_angle_offset_average_deg,
        max(angle_offset_average_deg) filter (where is_last)::double
            as last_angle_offset_average_deg,
        max(lat_accel_factor) filter (where is_first)::double as first_lat_accel_factor,
        max(lat_accel_factor) filter (where is_last)::double as last_lat_accel_factor,
        max(lat_accel_offset) filter (where is_first)::double as first_lat_accel_offset,
        max(lat_accel_offset) filter (where is_last)::double as last_lat_accel_offset,
        max(friction_coefficient) filter (where is_first)::double as first_friction_coefficient,
        max(friction_coefficient) filter (where is_last)::double as last_friction_coefficient
    from numbered
    where is_first or is_last
    group by drive_id
),

final as (
    select facts.drive_id, learned.* exclude (drive_id)
    from result.drive_facts as facts
    left join learned on facts.drive_id = learned.drive_id
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
