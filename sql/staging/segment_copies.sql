-- Segments that hold the same log as others, and which of these counts.
--
-- grain:   one row per (drive_id, segment_num) with a copy, both readable
-- null:    never
-- why:     the same bytes, packed or not, or logs of one minute, as its rlog and its qlog, or a
--          whole one and one that was cut: one device, one initData, one time. An rlog counts, then a
--          whole log, then what lies under its own device, then the first by name, so that the order
--          of ingest says nothing; rows of the others stand in schema log under the drive's number,
--          negated, where no view sees them
create or replace view staging.segment_copies as
with

readable as (
    select
        *,
        raw_crc32 || ' ' || raw_size_bytes || ' ' || n_messages || ' ' || start_mono_ns as raw_key
    from log.segment
    where status <> 'failed'
),

same_bytes as (
    select
        drive_id as stored_drive_id,
        abs(drive_id) as drive_id,
        segment_num,
        (log_kind <> 'rlog', status <> 'ok', -n_messages) as quality,
        (log_kind = 'rlog') as is_rlog,
        (status = 'ok') as is_whole,
        start_mono_ns,
        end_mono_ns,
        coalesce(min(raw_key) over (partition by content_hash), content_hash) as log_key
    from readable
),

owners as (
    select
        drive_id as stored_drive_id,
        segment_num,
        lower(any_value(dongle_id)) as dongle_id,
        min(mono_ns) as init_mono_ns,
        coalesce(min(wall_time_ns), 0) as init_wall_ns
    from log.init_data
    group by drive_id, segment_num
),

told as (
    select same_bytes.*, owners.dongle_id, owners.init_mono_ns, owners.init_wall_ns
    from same_bytes
    inner join owners
        on
            same_bytes.stored_drive_id = owners.stored_drive_id
            and same_bytes.segment_num = owners.segment_num
    where owners.dongle_id is not null
),

told_by_several as (
    select *
    from told
    window by_init as (partition by dongle_id, init_mono_ns, init_wall_ns)
    qualify min(drive_id) over by_init <> max(drive_id) over by_init
),

-- Logs of a minute begin together, however they end. Logs may be joined, too: the middle of a qlog
-- lies in the rlog that it was made with.
same_minutes as (
    select
        logs.stored_drive_id,
        logs.segment_num,
        arg_min(others.log_key, (others.quality, others.log_key)) as log_key
    from told_by_several as logs
    inner join told_by_several as others
        on
            logs.dongle_id = others.dongle_id
            and logs.init_mono_ns = others.init_mono_ns
            and logs.init_wall_ns = others.init_wall_ns
    where
        (
            case
                when logs.drive_id = others.drive_id then logs.segment_num = others.segment_num
                -- Of two whole ones that differ neither is a copy.
                else
                    logs.is_rlog <> others.is_rlog
                    or not logs.is_whole
                    or not others.is_whole
                    or logs.log_key = others.log_key
            end
        )
        and (
            abs(logs.start_mono_ns - others.start_mono_ns)
            <= greatest(
                least(
                    logs.end_mono_ns - logs.start_mono_ns,
                    others.end_mono_ns - others.start_mono_ns
                ) // 2,
                1000000000
            )
            or (
                not logs.is_rlog
                and others.is_rlog
                and (logs.start_mono_ns + logs.end_mono_ns) // 2
                between others.start_mono_ns and others.end_mono_ns
            )
        )
    group by logs.stored_drive_id, logs.segment_num
),

keyed as (
    select
        same_bytes.stored_drive_id,
        same_bytes.drive_id,
        same_bytes.segment_num,
        same_bytes.quality,
        coalesce(same_minutes.log_key, same_bytes.log_key) as log_key
    from same_bytes
    left join same_minutes
        on
            same_bytes.stored_drive_id = same_minutes.stored_drive_id
            and same_bytes.segment_num = same_minutes.segment_num
),

copied as (
    select keyed.*
    from keyed
    qualify count(*) over (partition by keyed.log_key) > 1
),

named as (
    select
        copied.*,
        drive.dongle_id,
        drive.drive,
        row_number() over (
            partition by copied.log_key
            order by
                copied.quality,
                coalesce(owners.dongle_id <> drive.dongle_id, true),
                drive.dongle_id,
                drive.drive,
                copied.segment_num
        ) as copy_num
    from copied
    inner join log.drive on copied.drive_id = drive.drive_id
    left join owners
        on
            copied.stored_drive_id = owners.stored_drive_id
            and copied.segment_num = owners.segment_num
),

final as (
    select
        drive_id,
        segment_num,
        stored_drive_id,
        (copy_num = 1) as is_counted,
        first(drive_id) over by_rank as counted_drive_id,
        first(segment_num) over by_rank as counted_segment_num
    from named
    window by_rank as (partition by log_key order by copy_num)
)

select * from final;
