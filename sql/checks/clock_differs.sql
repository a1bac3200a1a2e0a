-- Drives in which the device's clock is more than clock_max_difference_s away from GPS time, which counts.
-- level: warn
select drive_id, dongle_id, drive, clock_difference_s
from data_quality
where abs(clock_difference_s) > (select clock_max_difference_s from result.thresholds);
