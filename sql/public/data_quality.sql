-- What speaks against the numbers of a drive: gaps, copies, clocks that jump, impossible values.
--
-- grain:   one row per drive_id
-- null:    what there was nothing of to measure; the odometer's columns where none was received
-- why:     copies count elsewhere: see staging.segment_copies
create or replace view data_quality as
with

left_out as (
    select abs(drive_id) as drive_id, count(*) as n_left_out_segments
    from log.segment
    where drive_id < 0
    group by abs(drive_id)
),

final as (
    select
        quality.drive_id,
        drive.dongle_id,
        drive.drive,
        quality.n_gaps,
        quality.gap_s,
        quality.longest_gap_s,
        quality.missing_segment_s,
        quality.n_overlapping_segments,
        coalesce(left_out.n_left_out_segments, 0)::bigint as n_left_out_segments,
        quality.n_clock_jumps,
        quality.clock_jump_s,
        quality.clock_difference_s,
        quality.n_impossible_fixes,
        quality.n_speed_gaps,
        quality.speed_gap_s,
        quality.n_unknown_speeds,
        quality.steering_pressed_fraction,
        quality.odometer_km,
        quality.odometer_step_km,
        quality.odometer_km - metrics.distance_km as odometer_difference_km,
        (quality.odometer_km - metrics.distance_km) / nullif(quality.odometer_km, 0)
            as odometer_difference_fraction
    from result.drive_quality as quality
    inner join result.drive_metrics as metrics on quality.drive_id = metrics.drive_id
    inner join log.drive on quality.drive_id = drive.drive_id
    left join left_out on quality.drive_id = left_out.drive_id
)

select * from final;
comment on column data_quality.drive_id is 'number of the drive in this database';
comment on column data_quality.dongle_id is 'the device';
comment on column data_quality.drive is 'name of the drive, its log id';
comment on column data_quality.n_gaps is 'times that the state was unknown between known states, missing segments aside';
comment on column data_quality.gap_s is 'how long these gaps are together';
comment on column data_quality.longest_gap_s is 'the longest of them; null without any';
comment on column data_quality.missing_segment_s is 'time between known states that is unknown because a segment is missing';
comment on column data_quality.n_overlapping_segments is 'segments that begin more than a second before an earlier one ended';
comment on column data_quality.n_left_out_segments is 'segments of the drive that are left out, as their log is that of another segment, which counts';
comment on column data_quality.n_clock_jumps is 'times that the wall clock, of clocks or of GPS, changed by more than a second against logMonoTime';
comment on column data_quality.clock_jump_s is 'the greatest of these changes, negative where the clock went back; null without any';
comment on column data_quality.clock_difference_s is 'the device''s clock minus GPS time, by the newest of each; null without both';
comment on column data_quality.n_impossible_fixes is 'GPS fixes at 0 N 0 E (to within 0.01 degrees), or at no place of the earth';
comment on column data_quality.n_speed_gaps is 'times that carState was missing for more than {max_gap_s} s of known state: the distance is unknown there';
comment on column data_quality.speed_gap_s is 'how long these are together';
comment on column data_quality.n_unknown_speeds is 'samples of carState without a possible speed: they give no distance';
comment on column data_quality.steering_pressed_fraction is 'share of the engaged time with steeringPressed: above a half the sensor is noisy; null without engaged time';
comment on column data_quality.odometer_km is 'last reading of the odometer minus the first; null where none was received that a vehicle profile or the car''s DBC describes';
comment on column data_quality.odometer_step_km is 'the least that it went on at a time: many count whole kilometres; null without one, or where it stood (the check takes 1)';
comment on column data_quality.odometer_difference_km is 'odometer_km - distance_km of the drive; null without an odometer';
comment on column data_quality.odometer_difference_fraction is 'odometer_difference_km / odometer_km; null without an odometer, or where it stood still';
