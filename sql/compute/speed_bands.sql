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
