-- Pairs of segments with the same log: the same bytes, or the same times and messages.
-- level: warn
select
    pairs.drive_id,
    drive.dongle_id,
    drive.drive,
    pairs.segment_num,
    pairs.other_drive_id,
    other.dongle_id as other_dongle_id,
    other.drive as other_drive,
    pairs.other_segment_num
from (
    select
        segment.drive_id,
        segment.segment_num,
        copy.drive_id as other_drive_id,
        copy.segment_num as other_segment_num
    from log.segment
    inner join log.segment as copy on segment.content_hash = copy.content_hash
    where segment.status <> 'failed' and copy.status <> 'failed'
    union
    select
        segment.drive_id,
        segment.segment_num,
        copy.drive_id as other_drive_id,
        copy.segment_num as other_segment_num
    from log.segment
    inner join log.segment as copy
        on
            segment.start_mono_ns = copy.start_mono_ns
            and segment.end_mono_ns = copy.end_mono_ns
            and segment.n_messages = copy.n_messages
    where segment.status <> 'failed' and copy.status <> 'failed'
) as pairs
inner join log.drive on pairs.drive_id = drive.drive_id
inner join log.drive as other on pairs.other_drive_id = other.drive_id
where
    pairs.drive_id < pairs.other_drive_id
    or (pairs.drive_id = pairs.other_drive_id and pairs.segment_num < pairs.other_segment_num);
