-- Segments that are left out, as their log is that of another one, which counts.
-- level: warn
select
    copies.drive_id,
    drive.dongle_id,
    drive.drive,
    copies.segment_num,
    counted.dongle_id as counted_dongle_id,
    counted.drive as counted_drive,
    copies.counted_segment_num
from staging.segment_copies as copies
inner join log.drive on copies.drive_id = drive.drive_id
inner join log.drive as counted on copies.counted_drive_id = counted.drive_id
where not copies.is_counted;
