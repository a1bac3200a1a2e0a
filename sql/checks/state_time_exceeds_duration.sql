-- Drives whose known time is longer than the drive.
-- level: fail
select drive_id, dongle_id, drive, known_s, duration_s
from drives
where known_s > duration_s + 0.001 or engaged_s > known_s + 0.001;
