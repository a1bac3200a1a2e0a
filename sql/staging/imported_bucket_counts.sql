-- What imported entries count at the speeds of each bucket, where they do: since schema version 3.
--
-- grain:   one row per drive_id
-- null:    what the entry lacks
create or replace view staging.imported_bucket_counts as
with

buckets as (
    select
        drive_id,
        entry -> 'speed_buckets' -> 'city' as city,
        entry -> 'speed_buckets' -> 'road' as road,
        entry -> 'speed_buckets' -> 'highway' as highway
    from staging.imported_drives
),

final as (
    select
        drive_id,
        entry_disengagements(city) as city_disengagement_count,
        entry_disengagements(road) as road_disengagement_count,
        entry_disengagements(highway) as highway_disengagement_count,
        try_cast(city ->> 'steer_intervention_count' as bigint) as city_steer_intervention_count,
        try_cast(road ->> 'steer_intervention_count' as bigint) as road_steer_intervention_count,
        try_cast(highway ->> 'steer_intervention_count' as bigint)
            as highway_steer_intervention_count
    from buckets
)

select * from final;
