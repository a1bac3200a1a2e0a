-- What people call devices and places.

create table store.device_name (
    dongle_id varchar not null,
    name varchar not null,
    named_at_utc timestamp not null
);

create table store.place_name (
    latitude double not null,
    longitude double not null,
    radius_m double not null,
    name varchar not null,
    named_at_utc timestamp not null
);
