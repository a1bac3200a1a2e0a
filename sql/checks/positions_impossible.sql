-- Drives with GPS fixes that can't be: at 0 N 0 E, or at no place of the earth.
-- level: warn
select drive_id, dongle_id, drive, n_impossible_fixes
from data_quality
where n_impossible_fixes > 0;
