-- Time and distance by speed band, of imported drives as far as their entries have it.
--
-- grain:   one row per (drive_id, speed_band)
-- null:    lateral_only_s and lateral_only_km of an imported drive, and what its entry lacks; a band
--          without known time has no row
create or replace view speed_bands as
with

known as (
    select * from result.speed_bands
    union all by name
    select *, engaged_s / known_s as engaged_fraction
    from staging.imported_bands
),

final as (
    select
        known.drive_id,
        drive.dongle_id,
        drive.drive,
        known.* exclude (drive_id)
    from known
    inner join log.drive on known.drive_id = drive.drive_id
)

select * from final;
comment on column speed_bands.drive_id is 'number of the drive in this database';
comment on column speed_bands.dongle_id is 'the device';
comment on column speed_bands.drive is 'name of the drive, its log id';
comment on column speed_bands.speed_band is 'city (under {city_max_mps} m/s), road (under {road_max_mps} m/s) or highway';
comment on column speed_bands.known_s is 'time at such speeds, state known';
comment on column speed_bands.engaged_s is 'time engaged at such speeds';
comment on column speed_bands.lateral_only_s is 'time steering alone at such speeds';
comment on column speed_bands.distance_km is 'distance at such speeds, state known';
comment on column speed_bands.engaged_km is 'distance engaged at such speeds';
comment on column speed_bands.lateral_only_km is 'distance steering alone at such speeds';
comment on column speed_bands.engaged_fraction is 'engaged_s / known_s';
