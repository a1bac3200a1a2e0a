-- The time zone of each place where a drive started, found once by the writer: cells of a hundredth
-- of a degree, numbered from the south and from the west.

create table store.place_zone (
    latitude_cell integer not null,
    longitude_cell integer not null,
    time_zone varchar not null
);

-- What tells copies of a log however they are packed; null of logs that were read before.
alter table log.segment add column raw_crc32 bigint;

-- The set of definitions that the results are of; null of results from before it had a number.
alter table store.state add column definitions integer;
