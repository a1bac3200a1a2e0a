-- Drives whose odometer is more than 2 % and 0.2 km, or its own step, away from the integral of speed.
-- level: warn
select
    drive_id,
    dongle_id,
    drive,
    odometer_km,
    odometer_difference_km,
    odometer_difference_fraction
from data_quality
where
    abs(odometer_difference_km)
    > 0.02 * odometer_km + greatest(0.2, least(coalesce(odometer_step_km, 1), 2));
