-- Time and distance of imported drives by speed band, where their entries have it.
--
-- grain:   one row per (drive_id, speed_band)
-- null:    what the entry lacks
create or replace view staging.imported_bands as
with

bands as (
    select
        drive_id,
        unnest(['city', 'road', 'highway']) as speed_band,
        unnest(
            [
                entry -> 'speed_buckets' -> 'city',
                entry -> 'speed_buckets' -> 'road',
                entry -> 'speed_buckets' -> 'highway'
            ]
        ) as bucket
    from staging.imported_drives
),

told as (
    select
        drive_id,
        speed_band,
        try_cast(bucket ->> 'time_ns' as double) / 1e9 as known_s,
        try_cast(bucket ->> 'engaged_time_ns' as double) / 1e9 as engaged_s,
        try_cast(bucket ->> 'distance_km_raw' as double) as distance_km,
        try_cast(bucket ->> 'engaged_distance_km_raw' as double) as engaged_km
    from bands
),

final as (
    select * from told
    where known_s > 0
)

select * from final;
