-- What devices were called that somebody joined with another one.

create table store.device_alias (
    old_dongle_id varchar not null,
    dongle_id varchar not null,
    joined_at_utc timestamp not null
);
