-- Drives whose steeringPressed is true in more than half of their engaged time: a noisy sensor, whose presses are no overrides.
-- level: warn
select
    data_quality.drive_id,
    drives.dongle_id,
    drives.drive,
    data_quality.steering_pressed_fraction,
    drives.engaged_s
from data_quality
inner join drives on data_quality.drive_id = drives.drive_id
where
    drives.engaged_s >= (select noisy_min_engaged_ns from result.thresholds) / 1e9
    and data_quality.steering_pressed_fraction
    > (select noisy_min_fraction from result.thresholds);
