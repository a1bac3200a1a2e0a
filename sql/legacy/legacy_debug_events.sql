-- Steering interventions in the words of the old debug_events.json.
--
-- grain:   one row per (drive_id, segment_num, message_num)
-- null:    never
-- why:     before the segment's first controlsState, its time counts as -1 ns: time since boot
create or replace view compute.legacy_debug_events as
with

found as (
    select * from result.legacy_steer_interventions
),

times as (
    select * from result.legacy_segment_times
),

logs as (
    select * from log.segment
),

named as (
    select * from log.drive
),

started as (
    select
        found.drive_id,
        found.segment_num,
        found.message_num,
        found.mono_ns,
        found.difference_nm,
        case
            when times.first_message_num < found.message_num then times.first_mono_ns else -1
        end as start_mono_ns
    from found
    left join times
        on found.drive_id = times.drive_id and found.segment_num = times.segment_num
),

final as (
    select
        started.drive_id,
        started.segment_num,
        started.message_num,
        started.mono_ns,
        named.drive,
        './rlogs/' || named.dongle_id || '/' || named.drive || '--' || started.segment_num || '/'
        || regexp_extract(logs.path, '[^/]*$') as rlog_path,
        'steer_intervention' as event_type,
        (started.mono_ns - started.start_mono_ns) / 1e9 as time_in_segment_s,
        format('Steering intervention detected (diff: {:.2f})', started.difference_nm) as reason
    from started
    inner join named on started.drive_id = named.drive_id
    inner join logs
        on started.drive_id = logs.drive_id and started.segment_num = logs.segment_num
)

select * from final;
