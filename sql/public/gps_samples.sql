-- Where the car is: fixes of the receiver that the drive is read by, one by one.
--
-- grain:   one row per (drive_id, segment_num, message_num)
-- null:    what the log does not say; at_utc without a clock that was set
create or replace view gps_samples as
with

final as (
    select
        samples.drive_id,
        samples.segment_num,
        samples.message_num,
        samples.mono_ns,
        samples.latitude,
        samples.longitude,
        samples.altitude_m,
        samples.speed_mps as gps_speed_mps,
        samples.bearing_deg,
        samples.horizontal_accuracy_m
    from log.gps as samples
    inner join result.drive_facts as facts
        on samples.drive_id = facts.drive_id and samples.source = facts.gps_source
    where samples.has_fix and is_plausible_fix(samples.latitude, samples.longitude)
)

select * from final;
