-- In how much driving the logs tell whether there is a saved moment, by part, mode and speed band.
--
-- grain:   one row per (drive_id, part_num, mode, speed_band, event)
-- null:    never; where the expression can't be told there is no row
-- why:     store/saved_moments.py makes the rows of the expressions; here stands what they are, and
--          what has to be there before them
create or replace view compute.moment_exposures as
with

final as (
    select
        runs.drive_id,
        0::integer as part_num,
        runs.mode,
        '' as speed_band,
        runs.kind as event,
        0::double as exposure_s,
        0::double as distance_km
    from result.moment_runs as runs
    where false
)

select * from final;
comment on column moment_exposures.drive_id is 'number of the drive in this database';
comment on column moment_exposures.dongle_id is 'the device';
comment on column moment_exposures.drive is 'name of the drive, its log id';
comment on column moment_exposures.part_num is 'number of the part of the drive, as in drive_parts; 0 where it is in none';
comment on column moment_exposures.mode is 'what openpilot did: engaged, lateral_only, pre_enabled, manual, or unknown';
comment on column moment_exposures.speed_band is 'city, road, highway, or unknown where speed was not sampled';
comment on column moment_exposures.event is 'moment:NAME of the saved moment';
comment on column moment_exposures.exposure_s is 'time in which the logs tell whether its expression holds';
comment on column moment_exposures.distance_km is 'distance in that time, as far as the speed is known';
