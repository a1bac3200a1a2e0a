-- What drove, and how: experimental mode and personality before selfdriveState, and the big model.

alter table log.controls_state add column is_experimental_mode boolean;
alter table log.controls_state add column personality varchar;
alter table log.longitudinal_plan add column personality varchar;

-- Whether the big driving model drives, where it changes and near the log's borders.
create table log.driving_model (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    source varchar not null,
    is_big boolean
);
