-- Where a drive begins and ends, and how much of it was at night.
--
-- grain:   one row per drive_id
-- null:    places without a fix; night_fraction without a clock that was set or a fix
-- why:     by the receiver that the drive is read by; of the light what its parts have
create or replace view compute.drive_ends as
with

facts as (
    select drive_id, first_mono_ns, gps_source from result.drive_facts
),

fixes as (
    select
        gps.drive_id,
        arg_min(gps.latitude, gps.mono_ns) as start_latitude,
        arg_min(gps.longitude, gps.mono_ns) as start_longitude,
        arg_max(gps.latitude, gps.mono_ns) as end_latitude,
        arg_max(gps.longitude, gps.mono_ns) as end_longitude
    from log.gps
    inner join facts on gps.drive_id = facts.drive_id and gps.source = facts.gps_source
    where gps.has_fix and is_plausible_fix(gps.latitude, gps.longitude)
    group by gps.drive_id
),

nights as (
    select
        drive_id,
        sum(end_mono_ns - start_mono_ns) filter (where night = 'night') as night_ns,
        sum(end_mono_ns - start_mono_ns) filter (where night <> 'unknown') as told_ns
    from result.part_spans
    where mode <> 'unknown'
    group by drive_id
),

final as (
    select
        facts.drive_id,
        facts.first_mono_ns as start_mono_ns,
        fixes.start_latitude,
        fixes.start_longitude,
        fixes.end_latitude,
        fixes.end_longitude,
        (coalesce(nights.night_ns, 0) / nullif(nights.told_ns, 0))::double as night_fraction
    from facts
    left join fixes on facts.drive_id = fixes.drive_id
    left join nights on facts.drive_id = nights.drive_id
)

select * from final;
