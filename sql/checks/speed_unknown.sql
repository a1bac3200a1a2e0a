-- Drives with samples that have no possible speed, whose distance is too short for that.
-- level: warn
select drive_id, dongle_id, drive, n_unknown_speeds
from data_quality
where n_unknown_speeds > 0;
