-- Drives that no clock tells the time of.
-- level: warn
select drive_id, dongle_id, drive
from drives
where clock_source is null;
