-- Segments that hold the same log as others, and which of these counts.
--
-- grain:   one row per (drive_id, segment_num) with a copy, both readable
-- null:    never
-- why:     the same bytes, packed or not, or the rlog and the qlog of one minute: one device, one
--          initData, one time. An rlog counts, then what lies under its own device, then the first
--          by name, so that the order of ingest says nothing; rows of the others stand in schema log
--          under the drive's number, negated, where no view sees them
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
        (log_kind = 'rlog') as is_rlog,
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

-- The middle of a qlog lies in the rlog that it was made with, and in no other of that drive.
same_minutes as (
    select qlogs.stored_drive_id, qlogs.segment_num, min(rlogs.log_key) as log_key
    from told as qlogs
    inner join told as rlogs
        on
            qlogs.dongle_id = rlogs.dongle_id
            and qlogs.init_mono_ns = rlogs.init_mono_ns
            and qlogs.init_wall_ns = rlogs.init_wall_ns
            and (qlogs.start_mono_ns + qlogs.end_mono_ns) // 2
            between rlogs.start_mono_ns and rlogs.end_mono_ns
    where not qlogs.is_rlog and rlogs.is_rlog and qlogs.drive_id <> rlogs.drive_id
    group by qlogs.stored_drive_id, qlogs.segment_num
),

keyed as (
    select
        same_bytes.stored_drive_id,
        same_bytes.drive_id,
        same_bytes.segment_num,
        same_bytes.is_rlog,
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
                not copied.is_rlog,
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
