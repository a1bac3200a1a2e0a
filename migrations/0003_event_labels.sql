-- What people said of events.

-- One row per event that somebody labelled, by its name at that time: it outlives the event's row,
-- which every computation makes anew, and the drive's logs.
create table event_label (
    dongle_id varchar not null,
    drive varchar not null,
    kind varchar not null,
    mono_ns bigint not null,
    label varchar not null,
    note varchar,
    labelled_at_utc timestamp not null
);
