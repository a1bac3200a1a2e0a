-- What the planner and the driving model want, and what driver monitoring says, message by message.

create table log.plan (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    target_accel_mps2 float,
    first_accel_mps2 float,
    has_lead boolean,
    plan_source varchar,
    should_stop boolean,
    fcw boolean
);

create table log.model (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null,
    left_lane_prob_fraction float,
    right_lane_prob_fraction float,
    curvature_per_m float,
    accel_mps2 float,
    should_stop boolean,
    lane_change_state varchar,
    lane_change_direction varchar,
    frame_drop_percent float
);

create table log.driver_monitoring (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null,
    is_face_detected boolean,
    is_distracted boolean,
    awareness_fraction float,
    wheel_awareness_fraction float,
    is_by_camera boolean,
    alert_level varchar
);
