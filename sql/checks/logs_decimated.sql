-- Drives read from qlogs, in which short presses are lost.
-- level: warn
select drive_id, dongle_id, drive, log_kind
from drives
where log_kind <> 'rlog';
