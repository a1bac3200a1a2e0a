-- Engagements of one drive that overlap.
-- level: fail
select
    earlier.drive_id,
    drives.dongle_id,
    drives.drive,
    earlier.engagement_num,
    later.engagement_num as other_engagement_num
from engagements as earlier
inner join engagements as later
    on
        earlier.drive_id = later.drive_id
        and earlier.engagement_num < later.engagement_num
        and earlier.end_mono_ns > later.start_mono_ns
inner join drives on earlier.drive_id = drives.drive_id;
