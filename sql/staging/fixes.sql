-- GPS fixes of the receiver that a drive is read by.
--
-- grain:   one row per (drive_id, mono_ns): of fixes at the same time the last
-- null:    never
create or replace view staging.fixes as
with

final as (
    select
        gps.drive_id,
        gps.mono_ns,
        arg_max(gps.latitude, message_position(gps.segment_num, gps.message_num)) as latitude,
        arg_max(gps.longitude, message_position(gps.segment_num, gps.message_num)) as longitude
    from log.gps
    inner join result.drive_facts as facts
        on gps.drive_id = facts.drive_id and gps.source = facts.gps_source
    where gps.has_fix and is_plausible_fix(gps.latitude, gps.longitude)
    group by gps.drive_id, gps.mono_ns
)

select * from final;
