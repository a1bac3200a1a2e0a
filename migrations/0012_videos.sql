-- Videos of segments, which stay files; and the time of each frame of the small one.

create table log.video (
    drive_id integer not null,
    segment_num integer not null,
    camera varchar not null,
    path varchar not null,
    size_bytes bigint not null,
    mtime_ns bigint not null
);

create table log.video_frame (
    drive_id integer not null,
    segment_num integer not null,
    message_num integer not null,
    mono_ns bigint not null,
    frame_num integer,
    sof_mono_ns bigint
);
