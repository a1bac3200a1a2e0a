-- Videos of segments: which files there are, and when the first frame of each was seen.
--
-- grain:   one row per (drive_id, segment_num, camera)
-- null:    start_mono_ns and time_s of a segment without times; n_frames where the log tells of none
-- why:     the log says when each frame of qcamera.ts was seen; of other files, and where it does not, the segment's start
--          and a constant rate stand for it
create or replace view videos as
with

final as (
    select
        video.drive_id,
        drive.dongle_id,
        drive.drive,
        video.segment_num,
        video.camera,
        video.path,
        video.size_bytes,
        video.mtime_ns,
        coalesce(starts.start_mono_ns, segment.start_mono_ns) as start_mono_ns,
        (coalesce(starts.start_mono_ns, segment.start_mono_ns) - facts.first_mono_ns) / 1e9 as time_s,
        starts.n_frames,
        starts.n_frames is null as is_rate_assumed
    from log.video
    inner join log.drive on video.drive_id = drive.drive_id
    inner join log.segment on video.drive_id = segment.drive_id and video.segment_num = segment.segment_num
    left join result.drive_facts as facts on video.drive_id = facts.drive_id
    left join result.video_starts as starts
        on video.drive_id = starts.drive_id and video.segment_num = starts.segment_num and video.camera = 'qcamera'
)

select * from final;
comment on column videos.drive_id is 'number of the drive in this database';
comment on column videos.dongle_id is 'the device';
comment on column videos.drive is 'name of the drive, its log id';
comment on column videos.segment_num is 'number of the segment in its drive, from 0';
comment on column videos.camera is 'qcamera, the small picture of the road; fcamera, the road; ecamera, through the wide lens; dcamera, the driver';
comment on column videos.path is 'the file, where it was when it was found';
comment on column videos.size_bytes is 'size of the file';
comment on column videos.mtime_ns is 'when the file was changed, in ns since 1970';
comment on column videos.start_mono_ns is 'when the first frame was seen; null where nothing tells';
comment on column videos.time_s is 'the same, from the first sample of the drive; negative where the video began before that';
comment on column videos.n_frames is 'frames that the log tells of; null for none';
comment on column videos.is_rate_assumed is 'whether frames are placed by the start of the segment and 20 a second, as the log does not tell when they were seen';
