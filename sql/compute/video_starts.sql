-- When the first frame of a segment's small video was seen, of segments whose log tells.
--
-- grain:   one row per (drive_id, segment_num)
-- null:    never
-- why:     it is kept, as a drive has some ten thousand frames and the views of videos one row a segment
create or replace view compute.video_starts as
with

frames as (
    select drive_id, segment_num, frame_num, sof_mono_ns from log.video_frame
    where sof_mono_ns is not null and frame_num is not null
),

final as (
    select
        drive_id,
        segment_num,
        arg_min(sof_mono_ns - frame_num::bigint * 50000000, frame_num) as start_mono_ns,
        count(distinct frame_num) as n_frames
    from frames
    group by drive_id, segment_num
)

select * from final;
