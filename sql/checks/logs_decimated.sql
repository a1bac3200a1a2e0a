-- Drives read from qlogs, which are coarser.
-- level: warn
select drive_id, dongle_id, drive, log_kind
from drives
where log_kind <> 'rlog';
