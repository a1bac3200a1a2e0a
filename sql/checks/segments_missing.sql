-- Drives with segments that have no readable log.
-- level: warn
select drive_id, dongle_id, drive, n_segments, n_missing_segments
from drives
where n_missing_segments > 0;
