-- Every time that a wall clock told in a drive, and what logMonoTime has to be added to.
--
-- grain:   one row per (drive_id, source, segment_num, message_num)
-- null:    never
-- why:     GPS counts with a fix, of the receiver that the drive is read by
create or replace view staging.wall_times as
with

told as (
    select
        drive_id,
        'clocks' as source,
        segment_num,
        message_num,
        mono_ns,
        wall_time_ns::hugeint as wall_ns
    from log.clock
    union all
    select
        gps.drive_id,
        'gps' as source,
        gps.segment_num,
        gps.message_num,
        gps.mono_ns,
        gps.unix_ms::hugeint * 1000000 as wall_ns
    from log.gps
    inner join result.drive_facts as facts
        on gps.drive_id = facts.drive_id and gps.source = facts.gps_source
    where gps.has_fix and gps.unix_ms is not null
    union all
    select
        drive_id,
        'init_data' as source,
        segment_num,
        message_num,
        mono_ns,
        wall_time_ns::hugeint as wall_ns
    from log.init_data
    where wall_time_ns is not null
),

final as (
    select
        told.drive_id,
        told.source,
        told.segment_num,
        told.message_num,
        told.mono_ns,
        told.wall_ns - told.mono_ns as offset_ns,
        clock_was_set(told.wall_ns, ingests.ingested_at_utc) as is_set
    from told
    inner join staging.drive_ingests as ingests on told.drive_id = ingests.drive_id
)

select * from final;
