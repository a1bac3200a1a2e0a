-- Drives with gaps in which the state is unknown, missing segments aside.
-- level: warn
select drive_id, dongle_id, drive, n_gaps, gap_s, longest_gap_s
from data_quality
where n_gaps > 0;
