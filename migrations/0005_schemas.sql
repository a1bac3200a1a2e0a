-- Base tables get schemas of their own, so that `main` has nothing but the public views: `log` holds
-- what the logs say, `store` what else the database knows. DuckDB can't move a table: its rows are
-- copied, in their order.

create schema log;
create schema store;

create table log.drive (
    drive_id integer not null,
    dongle_id varchar not null,
    drive varchar not null,
    host varchar not null
);
insert into log.drive select * from main.drive;
drop table main.drive;

create table log.segment (
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
insert into log.segment select * from main.segment;
drop table main.segment;

create table log.init_data (
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
insert into log.init_data select * from main.init_data;
drop table main.init_data;

create table log.param (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    name varchar not null,
    value varchar
);
insert into log.param select * from main.param;
drop table main.param;

create table log.car_params (
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
insert into log.car_params select * from main.car_params;
drop table main.car_params;

create table log.controls_state (
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
insert into log.controls_state select * from main.controls_state;
drop table main.controls_state;

create table log.selfdrive_state (
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
insert into log.selfdrive_state select * from main.selfdrive_state;
drop table main.selfdrive_state;

create table log.alert (
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
insert into log.alert select * from main.alert;
drop table main.alert;

create table log.car_state (
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
insert into log.car_state select * from main.car_state;
drop table main.car_state;

create table log.car_control (
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
insert into log.car_control select * from main.car_control;
drop table main.car_control;

create table log.car_event (
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
insert into log.car_event select * from main.car_event;
drop table main.car_event;

create table log.button_event (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    button varchar,
    pressed boolean
);
insert into log.button_event select * from main.button_event;
drop table main.button_event;

create table log.gps (
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
insert into log.gps select * from main.gps;
drop table main.gps;

create table log.lead (
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
insert into log.lead select * from main.lead;
drop table main.lead;

create table log.clock (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    wall_time_ns bigint not null
);
insert into log.clock select * from main.clock;
drop table main.clock;

create table log.bookmark (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null
);
insert into log.bookmark select * from main.bookmark;
drop table main.bookmark;

create table log.ignition (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null,
    is_on boolean not null
);
insert into log.ignition select * from main.ignition;
drop table main.ignition;

create table log.lane_change (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null,
    state varchar
);
insert into log.lane_change select * from main.lane_change;
drop table main.lane_change;

create table log.live_parameters (
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
insert into log.live_parameters select * from main.live_parameters;
drop table main.live_parameters;

create table log.live_torque_parameters (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    is_valid boolean,
    lat_accel_factor float,
    lat_accel_offset float,
    friction_coefficient float
);
insert into log.live_torque_parameters select * from main.live_torque_parameters;
drop table main.live_torque_parameters;

create table log.can_signal (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    frame_num integer not null,
    mono_ns bigint not null,
    signal_key varchar not null,
    bus utinyint not null,
    value double not null
);
insert into log.can_signal select * from main.can_signal;
drop table main.can_signal;

create table log.can_message (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    n_frames integer not null
);
insert into log.can_message select * from main.can_message;
drop table main.can_message;

create table store.parameter (
    name varchar not null,
    value double not null,
    unit varchar not null,
    why varchar not null
);
insert into store.parameter select * from main.parameter;
drop table main.parameter;

create table store.imported_drive (
    drive_id integer not null,
    entry varchar not null,
    source_path varchar not null,
    imported_at_utc timestamp not null
);
insert into store.imported_drive select * from main.imported_drive;
drop table main.imported_drive;

create table store.imported_debug_event (
    drive varchar not null,
    rlog_path varchar not null,
    event_type varchar not null,
    time_in_segment_s double,
    reason varchar
);
insert into store.imported_debug_event select * from main.imported_debug_event;
drop table main.imported_debug_event;

create table store.ingest_run (
    started_at_utc timestamp not null,
    ended_at_utc timestamp not null,
    engagement_version varchar not null,
    n_ingested integer not null,
    n_skipped integer not null,
    n_partial integer not null,
    n_failed integer not null,
    size_bytes bigint not null
);
insert into store.ingest_run select * from main.ingest_run;
drop table main.ingest_run;

create table store.state (
    sql_hash varchar not null,
    generation bigint not null,
    published_at_utc timestamp not null
);
insert into store.state select * from main.store_state;
drop table main.store_state;

create table store.confidence_limit (
    n integer not null,
    poisson_lower double not null,
    poisson_upper double not null,
    t_quantile double
);
insert into store.confidence_limit select * from main.confidence_limit;
drop table main.confidence_limit;

create table store.event_label (
    dongle_id varchar not null,
    drive varchar not null,
    kind varchar not null,
    mono_ns bigint not null,
    label varchar not null,
    note varchar,
    labelled_at_utc timestamp not null
);
insert into store.event_label select * from main.event_label;
drop table main.event_label;

create table log.can_source (
    drive_id integer not null,
    segment_num integer not null,
    signal_key varchar not null,
    entry_num smallint not null,
    message varchar not null,
    signal varchar not null,
    bus utinyint not null,
    n_samples bigint not null
);
insert into log.can_source select * from main.can_source;
drop table main.can_source;

create table store.schema_migration (
    version integer,
    name varchar,
    sha256 varchar,
    applied_at_utc timestamp
);
insert into store.schema_migration select * from main.schema_migration;
drop table main.schema_migration;
