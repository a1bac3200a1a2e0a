-- Where a drive was first: the cell of a hundredth of a degree, for its time zone.
--
-- grain:   one row per drive_id with a fix
-- null:    never
-- why:     whichever receiver knew it first
create or replace view staging.start_places as
with

firsts as (
    select
        drive_id,
        arg_min(latitude, mono_ns) as latitude,
        arg_min(longitude, mono_ns) as longitude
    from log.gps
    where has_fix and is_plausible_fix(latitude, longitude)
    group by drive_id
),

final as (
    select
        drive_id,
        floor(latitude * 100)::integer as latitude_cell,
        floor(longitude * 100)::integer as longitude_cell
    from firsts
)

select * from final;
