-- Segments that hold the same log as others, and which of these counts.
--
-- grain:   one row per (drive_id, segment_num) with a copy, both readable
-- null:    never
-- why:     the same bytes, packed or not; the one that lies under its own device counts, then an
--          rlog, then the first by name, so that the order of ingest says nothing; rows of the
--          others stand in schema log under the drive's number, negated, where no view sees them
create or replace view staging.segment_copies as
with

readable as (
    select
        *,
        raw_crc32 || ' ' || raw_size_bytes || ' ' || n_messages || ' ' || start_mono_ns as raw_key
    from log.segment
    where status <> 'failed'
),

keyed as (
    select
        drive_id as stored_drive_id,
        abs(drive_id) as drive_id,
        segment_num,
        (log_kind = 'rlog') as is_rlog,
        coalesce(min(raw_key) over (partition by content_hash), content_hash) as log_key
    from readable
),

owners as (
    select
        drive_id as stored_drive_id,
        segment_num,
        lower(any_value(dongle_id)) as dongle_id
    from log.init_data
    group by drive_id, segment_num
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
                coalesce(owners.dongle_id <> drive.dongle_id, true),
                not copied.is_rlog,
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
