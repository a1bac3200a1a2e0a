-- Drives whose state is known for less than 95 % of their time.
-- level: warn
select drive_id, dongle_id, drive, coverage, duration_s
from drives
where coverage < 0.95;
