-- Logs that are cut or corrupt.
-- level: warn
select drive_id, dongle_id, drive, segment_num, status, damage, path
from segments
where status <> 'ok';
