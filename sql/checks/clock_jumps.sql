-- Drives in which the wall clock jumps by more than a second.
-- level: warn
select drive_id, dongle_id, drive, n_clock_jumps, clock_jump_s
from data_quality
where n_clock_jumps > 0;
