-- Logs that were ingested: which file each segment's rows come from, and how whole it is.
--
-- grain:   one row per (drive_id, segment_num)
-- null:    damage of a whole log; times of a failed one; profile where no CAN signals were read
create or replace view segments as
with

final as (
    select
        segment.drive_id,
        drive.dongle_id,
        drive.drive,
        segment.segment_num,
        segment.log_kind,
        segment.codec,
        segment.path,
        segment.size_bytes,
        segment.raw_size_bytes,
        segment.status,
        segment.damage,
        segment.n_messages,
        segment.n_damaged_messages,
        segment.start_mono_ns,
        segment.end_mono_ns,
        segment.profile,
        segment.ingested_at_utc
    from log.segment
    inner join log.drive on segment.drive_id = drive.drive_id
)

select * from final;
comment on column segments.drive_id is 'number of the drive in this database';
comment on column segments.dongle_id is 'the device';
comment on column segments.drive is 'name of the drive, its log id';
comment on column segments.segment_num is 'number of the segment in its drive, from 0';
comment on column segments.log_kind is 'rlog (every message) or qlog (decimated)';
comment on column segments.codec is 'none, bz2 or zstd';
comment on column segments.path is 'the file that was read';
comment on column segments.size_bytes is 'size of the file';
comment on column segments.raw_size_bytes is 'size of the log, decompressed';
comment on column segments.status is 'ok, partial (what could be read is here) or failed (nothing could)';
comment on column segments.damage is 'what is wrong with the file and where; null when nothing is';
comment on column segments.n_messages is 'messages that could be read';
comment on column segments.n_damaged_messages is 'messages left out because a pointer, a text or a time in them is impossible';
comment on column segments.start_mono_ns is 'first logMonoTime, initData aside; null for a failed log';
comment on column segments.end_mono_ns is 'last logMonoTime; null for a failed log';
comment on column segments.profile is 'vehicle profile whose CAN signals were read, or auto: with the car, its DBC and where that is from; null for none';
comment on column segments.ingested_at_utc is 'when the file was ingested';
