-- Moments that the driver bookmarked.
--
-- grain:   one row per message
-- null:    the place without a recent fix, its name where nothing has one; at_utc without a clock
-- why:     what a server knows counts where the logs have no bookmark; a place is looked up here, as
--          a server tells bookmarks without new logs
create or replace view bookmarks as
with

places as (
    select
        bookmark.drive_id,
        bookmark.mono_ns,
        arg_max(fixes.latitude, fixes.mono_ns) as latitude,
        arg_max(fixes.longitude, fixes.mono_ns) as longitude
    from log.bookmark
    inner join gps_samples as fixes
        on
            bookmark.drive_id = fixes.drive_id
            and bookmark.mono_ns >= fixes.mono_ns
            and bookmark.mono_ns - fixes.mono_ns
            <= (select position_max_age_ns from result.thresholds)
    where fixes.latitude is not null
    group by bookmark.drive_id, bookmark.mono_ns
),

final as (
    select
        bookmark.drive_id,
        drive.dongle_id,
        drive.drive,
        bookmark.mono_ns,
        (bookmark.mono_ns - facts.first_mono_ns) / 1e9 as time_s,
        wall_time(identity.started_at_utc, facts.first_mono_ns, bookmark.mono_ns) as at_utc,
        bookmark.segment_num,
        bookmark.source,
        places.latitude,
        places.longitude,
        place_called(places.latitude, places.longitude) as place_name
    from log.bookmark
    inner join log.drive on bookmark.drive_id = drive.drive_id
    left join result.drive_facts as facts on bookmark.drive_id = facts.drive_id
    left join result.drive_identity as identity on bookmark.drive_id = identity.drive_id
    left join places
        on bookmark.drive_id = places.drive_id and bookmark.mono_ns = places.mono_ns
)

select * from final;
comment on column bookmarks.drive_id is 'number of the drive in this database';
comment on column bookmarks.dongle_id is 'the device';
comment on column bookmarks.drive is 'name of the drive, its log id';
comment on column bookmarks.mono_ns is 'logMonoTime of the bookmark';
comment on column bookmarks.time_s is 'seconds from the first sample of the drive; null without samples';
comment on column bookmarks.at_utc is 'when it was; null without a clock that was set';
comment on column bookmarks.segment_num is 'segment that it is in';
comment on column bookmarks.source is 'userBookmark or bookmarkButton; server, or preserved (the start of the drive), where the logs have none';
comment on column bookmarks.latitude is 'degrees; null without a recent fix';
comment on column bookmarks.longitude is 'degrees; null without a recent fix';
comment on column bookmarks.place_name is 'what `engagement name --place` calls the place; null where nothing does';
