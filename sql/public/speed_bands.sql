-- Time and distance by speed band.
--
-- grain:   one row per (drive_id, speed_band)
-- reads:   result.interval_motion, drive
-- null:    engaged_fraction never, as a band without time has no row
create or replace view speed_bands as
with

final as (
    select
        motion.drive_id,
        drive.dongle_id,
        drive.drive,
        motion.speed_band,
        sum(motion.duration_ns)::double / 1e9 as known_s,
        coalesce(sum(motion.duration_ns) filter (where motion.mode = 'engaged'), 0)::double / 1e9
            as engaged_s,
        fsum(motion.distance_m) / 1000 as distance_km,
        coalesce(fsum(motion.distance_m) filter (where motion.mode = 'engaged'), 0) / 1000
            as engaged_km,
        coalesce(sum(motion.duration_ns) filter (where motion.mode = 'engaged'), 0)::double
        / sum(motion.duration_ns)::double as engaged_fraction
    from result.interval_motion as motion
    inner join drive on motion.drive_id = drive.drive_id
    where motion.mode <> 'unknown'
    group by motion.drive_id, drive.dongle_id, drive.drive, motion.speed_band
)

select * from final;
comment on column speed_bands.drive_id is 'number of the drive in this database';
comment on column speed_bands.dongle_id is 'the device';
comment on column speed_bands.drive is 'name of the drive, its log id';
comment on column speed_bands.speed_band is 'city (under 15.3 m/s), road (under 25 m/s) or highway';
comment on column speed_bands.known_s is 'time at such speeds, state known';
comment on column speed_bands.engaged_s is 'time engaged at such speeds';
comment on column speed_bands.distance_km is 'distance at such speeds, state known';
comment on column speed_bands.engaged_km is 'distance engaged at such speeds';
comment on column speed_bands.engaged_fraction is 'engaged_s / known_s';
