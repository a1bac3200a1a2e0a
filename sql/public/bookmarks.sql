-- Moments that the driver bookmarked.
--
-- grain:   one row per message
-- null:    never
-- why:     what a server knows counts where the logs have no bookmark
create or replace view bookmarks as
with

final as (
    select
        bookmark.drive_id,
        drive.dongle_id,
        drive.drive,
        bookmark.mono_ns,
        bookmark.segment_num,
        bookmark.source
    from log.bookmark
    inner join log.drive on bookmark.drive_id = drive.drive_id
)

select * from final;
comment on column bookmarks.drive_id is 'number of the drive in this database';
comment on column bookmarks.dongle_id is 'the device';
comment on column bookmarks.drive is 'name of the drive, its log id';
comment on column bookmarks.mono_ns is 'logMonoTime of the bookmark';
comment on column bookmarks.segment_num is 'segment that it is in';
comment on column bookmarks.source is 'userBookmark or bookmarkButton; server, or preserved (the start of the drive), where the logs have none';
