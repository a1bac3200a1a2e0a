-- Stretches of known state without carState: the distance driven there is unknown.
-- level: warn
select
    gaps.drive_id,
    drives.dongle_id,
    drives.drive,
    (gaps.start_mono_ns - metrics.first_mono_ns) / 1e9 as from_s,
    (gaps.end_mono_ns - metrics.first_mono_ns) / 1e9 as to_s,
    drives.motion_coverage
from staging.speed_gaps as gaps
inner join drives on gaps.drive_id = drives.drive_id
inner join result.drive_metrics as metrics on gaps.drive_id = metrics.drive_id;
