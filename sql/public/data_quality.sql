-- What speaks against the numbers of a drive: gaps, copies, clocks that jump, impossible values.
--
-- grain:   one row per drive_id
-- null:    what there was nothing of to measure; the odometer's columns where none was received
-- why:     a copied log has the same bytes, or, packed or named otherwise, the same first and last
--          time and as many messages
create or replace view data_quality as
with

readable as (
    select
        drive_id,
        count(*) over (partition by content_hash) as n_same_bytes,
        count(*) over (partition by start_mono_ns, end_mono_ns, n_messages) as n_same_times,
        start_mono_ns
    from log.segment
    where status <> 'failed'
),

copies as (
    select drive_id, count(*) as n_duplicate_segments
    from readable
    where n_same_bytes > 1 or (start_mono_ns is not null and n_same_times > 1)
    group by drive_id
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
        coalesce(copies.n_duplicate_segments, 0)::bigint as n_duplicate_segments,
        quality.n_clock_jumps,
        quality.clock_jump_s,
        quality.n_impossible_fixes,
        quality.n_unknown_speeds,
        quality.odometer_km,
        quality.odometer_step_km,
        quality.odometer_km - metrics.distance_km as odometer_difference_km,
        (quality.odometer_km - metrics.distance_km) / nullif(quality.odometer_km, 0)
            as odometer_difference_fraction
    from result.drive_quality as quality
    inner join result.drive_metrics as metrics on quality.drive_id = metrics.drive_id
    inner join log.drive on quality.drive_id = drive.drive_id
    left join copies on quality.drive_id = copies.drive_id
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
comment on column data_quality.n_duplicate_segments is 'segments whose log is also that of another segment, of this drive or any other';
comment on column data_quality.n_clock_jumps is 'times that the wall clock, of clocks or of GPS, changed by more than a second against logMonoTime';
comment on column data_quality.clock_jump_s is 'the greatest of these changes, negative where the clock went back; null without any';
comment on column data_quality.n_impossible_fixes is 'GPS fixes at 0 N 0 E (to within 0.01 degrees), or at no place of the earth';
comment on column data_quality.n_unknown_speeds is 'samples of carState without a possible speed: they give no distance';
comment on column data_quality.odometer_km is 'last reading of the odometer minus the first; null where none was received that a vehicle profile or the car''s DBC describes';
comment on column data_quality.odometer_step_km is 'the least that it went on at a time: many count whole kilometres; null without one, or where it stood (the check takes 1)';
comment on column data_quality.odometer_difference_km is 'odometer_km - distance_km of the drive; null without an odometer';
comment on column data_quality.odometer_difference_fraction is 'odometer_difference_km / odometer_km; null without an odometer, or where it stood still';
