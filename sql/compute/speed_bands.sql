-- Time and distance by speed band.
--
-- grain:   one row per (drive_id, speed_band)
-- null:    never; a band without known time has no row
create or replace view compute.speed_bands as
with

final as (
    select
        drive_id,
        speed_band,
        sum(duration_ns)::double / 1e9 as known_s,
        coalesce(sum(duration_ns) filter (where mode = 'engaged'), 0)::double / 1e9 as engaged_s,
        coalesce(sum(duration_ns) filter (where mode = 'lateral_only'), 0)::double / 1e9
            as lateral_only_s,
        fsum(distance_m) / 1000 as distance_km,
        coalesce(fsum(distance_m) filter (where mode = 'engaged'), 0) / 1000 as engaged_km,
        coalesce(fsum(distance_m) filter (where mode = 'lateral_only'), 0) / 1000
            as lateral_only_km,
        coalesce(sum(duration_ns) filter (where mode = 'engaged'), 0)::double
        / sum(duration_ns)::double as engaged_fraction
    from result.interval_motion
    where mode <> 'unknown'
    group by drive_id, speed_band
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
