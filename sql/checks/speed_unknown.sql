-- Drives with samples that have no possible speed, whose distance is too short for that.
-- level: warn
select
    car_state.drive_id,
    drive.dongle_id,
    drive.drive,
    count(*) as n_samples
from car_state
inner join drive on car_state.drive_id = drive.drive_id
where car_state.v_ego_mps is null
group by car_state.drive_id, drive.dongle_id, drive.drive;
