-- GPS fixes of the receiver that a drive is read by.
--
-- grain:   one row per (drive_id, mono_ns): of fixes at the same time the last
-- reads:   log.gps, result.drive_facts
-- null:    never
-- why:     a fix at 0, 0 or off the earth comes from a receiver that knows nothing
create or replace view staging.fixes as
with

final as (
    select
        gps.drive_id,
        gps.mono_ns,
        arg_max(gps.latitude, gps.segment_num::bigint * 4294967296 + gps.message_num) as latitude,
        arg_max(gps.longitude, gps.segment_num::bigint * 4294967296 + gps.message_num) as longitude
    from log.gps
    inner join result.drive_facts as facts
        on gps.drive_id = facts.drive_id and gps.source = facts.gps_source
    where
        gps.has_fix
        and gps.latitude between -90 and 90
        and gps.longitude between -180 and 180
        and (abs(gps.latitude) >= 0.01 or abs(gps.longitude) >= 0.01)
    group by gps.drive_id, gps.mono_ns
)

select * from final;
