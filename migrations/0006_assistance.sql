-- What openpilot says of collisions, of steering without cruise, and which way lanes are changed.

-- longitudinalPlan's collision warning, where it changes and near the log's borders.
create table log.longitudinal_plan (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    fcw boolean
);

-- sunnypilot's switch for steering without cruise (MADS), likewise where it changes.
create table log.mads (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null,
    state varchar,
    enabled boolean,
    active boolean,
    available boolean
);

alter table log.car_state add column acc_faulted boolean;
alter table log.car_state add column esp_disabled boolean;
alter table log.lane_change add column direction varchar;
