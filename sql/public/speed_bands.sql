-- Time and distance by speed band.
--
-- grain:   one row per (drive_id, speed_band)
-- reads:   result.speed_bands, log.drive
-- null:    engaged_fraction never, as a band without time has no row
create or replace view speed_bands as
with

final as (
    select
        bands.drive_id,
        drive.dongle_id,
        drive.drive,
        bands.speed_band,
        bands.known_s,
        bands.engaged_s,
        bands.lateral_only_s,
        bands.distance_km,
        bands.engaged_km,
        bands.lateral_only_km,
        bands.engaged_fraction
    from result.speed_bands as bands
    inner join log.drive on bands.drive_id = drive.drive_id
)

select * from final;
comment on column speed_bands.drive_id is 'number of the drive in this database';
comment on column speed_bands.dongle_id is 'the device';
comment on column speed_bands.drive is 'name of the drive, its log id';
comment on column speed_bands.speed_band is 'city (under 15.3 m/s), road (under 25 m/s) or highway';
comment on column speed_bands.known_s is 'time at such speeds, state known';
comment on column speed_bands.engaged_s is 'time engaged at such speeds';
comment on column speed_bands.lateral_only_s is 'time steering alone at such speeds';
comment on column speed_bands.lateral_only_km is 'distance steering alone at such speeds';
comment on column speed_bands.distance_km is 'distance at such speeds, state known';
comment on column speed_bands.engaged_km is 'distance engaged at such speeds';
comment on column speed_bands.engaged_fraction is 'engaged_s / known_s';
