-- Base tables: what the logs say, one row per message (or per element of a message's list).
--
-- `drive_id` and `segment_num` say which log a row is from, `message_num` its message's place in
-- that log's file order, which is not time order; `mono_ns` is logMonoTime. NULL means not known.
-- Only SQL that DuckLake has too: no ENUM, no keys, no sequences.

create table drive (
    drive_id integer not null,
    dongle_id varchar not null,
    drive varchar not null,
    host varchar not null
);

-- The log that a segment's rows come from: one row per (drive_id, segment_num).
create table segment (
    drive_id integer not null,
    segment_num integer not null,
    log_kind varchar not null,
    codec varchar not null,
    path varchar not null,
    size_bytes bigint not null,
    mtime_ns bigint not null,
    content_hash varchar not null,
    raw_size_bytes bigint not null,
    status varchar not null,
    damage varchar,
    n_messages bigint not null,
    n_damaged_messages bigint not null,
    start_mono_ns bigint,
    end_mono_ns bigint,
    profile varchar,
    ingested_at_utc timestamp not null
);

create table init_data (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    dongle_id varchar,
    version varchar,
    git_branch varchar,
    git_commit varchar,
    git_remote varchar,
    is_dirty boolean,
    is_passive boolean,
    device_type varchar,
    os_version varchar,
    wall_time_ns bigint
);

create table param (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    name varchar not null,
    value varchar
);

create table car_params (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    car_fingerprint varchar,
    brand varchar,
    car_vin varchar,
    openpilot_longitudinal boolean,
    pcm_cruise boolean,
    is_dashcam_only boolean,
    steer_control_type varchar,
    fingerprint_source varchar,
    min_steer_speed_mps float,
    min_enable_speed_mps float,
    mass_kg float,
    wheelbase_m float,
    steer_ratio float,
    steer_actuator_delay_s float
);

create table controls_state (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    enabled boolean not null,
    active boolean not null,
    state varchar,
    v_cruise_kph float,
    curvature_per_m float,
    desired_curvature_per_m float
);

create table selfdrive_state (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    enabled boolean not null,
    active boolean not null,
    state varchar,
    is_engageable boolean,
    is_experimental_mode boolean,
    personality varchar
);

-- Alerts as controlsState and selfdriveState carry them, where they change; and every one within a
-- second of the log's borders, so that the runs across borders can be told.
create table alert (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null,
    text1 varchar,
    text2 varchar,
    alert_type varchar,
    alert_status varchar,
    alert_size varchar
);

create table car_state (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    v_ego_mps float,
    a_ego_mps2 float,
    steering_angle_deg float,
    steering_rate_deg_per_s float,
    steering_torque float,
    steering_torque_eps float,
    steering_pressed boolean,
    steering_disengage boolean,
    gas_pressed boolean,
    brake_pressed boolean,
    regen_braking boolean,
    standstill boolean,
    left_blinker boolean,
    right_blinker boolean,
    door_open boolean,
    seatbelt_unlatched boolean,
    parking_brake boolean,
    brake_hold_active boolean,
    stock_aeb boolean,
    stock_fcw boolean,
    cruise_enabled boolean,
    cruise_available boolean,
    cruise_speed_mps float,
    v_cruise_kph float,
    gear varchar,
    n_pointers utinyint
);

-- lat_active and long_active are null in logs whose writer had no such fields.
create table car_control (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    enabled boolean not null,
    lat_active boolean,
    long_active boolean,
    accel_mps2 float,
    torque float,
    steering_angle_deg float,
    curvature_per_m float,
    is_lead_visible boolean,
    visual_alert varchar
);

-- Events in force: the rows of one message are all of them; a null name says that there was none.
create table car_event (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null,
    name varchar,
    enable boolean,
    no_entry boolean,
    warning boolean,
    user_disable boolean,
    soft_disable boolean,
    immediate_disable boolean,
    pre_enable boolean,
    permanent boolean,
    override_longitudinal boolean,
    override_lateral boolean
);

create table button_event (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    button varchar,
    pressed boolean
);

create table gps (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null,
    has_fix boolean,
    latitude double,
    longitude double,
    altitude_m double,
    speed_mps float,
    bearing_deg float,
    horizontal_accuracy_m float,
    unix_ms bigint
);

create table lead (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    is_present boolean,
    d_rel_m float,
    v_rel_mps float,
    y_rel_m float,
    v_lead_mps float,
    a_lead_mps2 float,
    model_prob_fraction float,
    is_radar boolean,
    is_fcw boolean
);

create table clock (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    wall_time_ns bigint not null
);

create table bookmark (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null
);

create table ignition (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null,
    is_on boolean not null
);

create table lane_change (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null,
    state varchar
);

create table live_parameters (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    is_valid boolean,
    angle_offset_deg float,
    angle_offset_average_deg float,
    stiffness_factor float,
    steer_ratio float,
    roll_rad float
);

create table live_torque_parameters (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    is_valid boolean,
    lat_accel_factor float,
    lat_accel_offset float,
    friction_coefficient float
);

-- CAN signals of the vehicle profile; frame_num is the frame's place in its `can` message.
create table can_signal (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    frame_num integer not null,
    mono_ns bigint not null,
    signal_key varchar not null,
    bus utinyint not null,
    value double not null
);

-- Every `can` message that has frames, whether a signal was in them or not.
create table can_message (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    n_frames integer not null
);

-- Thresholds of the definitions, seeded from config/engagement.toml.
create table parameter (
    name varchar not null,
    value double not null,
    unit varchar not null,
    why varchar not null
);

-- Entries of an old engagement_db.json, as JSON; they give way to the drive's own logs.
create table imported_drive (
    drive_id integer not null,
    entry varchar not null,
    source_path varchar not null,
    imported_at_utc timestamp not null
);

create table imported_debug_event (
    drive varchar not null,
    rlog_path varchar not null,
    event_type varchar not null,
    time_in_segment_s double,
    reason varchar
);

create table ingest_run (
    started_at_utc timestamp not null,
    ended_at_utc timestamp not null,
    engagement_version varchar not null,
    n_ingested integer not null,
    n_skipped integer not null,
    n_partial integer not null,
    n_failed integer not null,
    size_bytes bigint not null
);

-- One row: what the views and results in this file were made from.
create table store_state (
    sql_hash varchar not null,
    generation bigint not null,
    published_at_utc timestamp not null
);
