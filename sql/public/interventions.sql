-- What the driver did to change the car's motion while engaged.
--
-- grain:   one row per override, and per counted disengagement by the driver
-- reads:   result.interventions, result.drive_metrics, log.drive
-- null:    never
create or replace view interventions as
with

final as (
    select
        interventions.drive_id,
        drive.dongle_id,
        drive.drive,
        interventions.mono_ns,
        (interventions.mono_ns - metrics.first_mono_ns) / 1e9 as time_s,
        interventions.segment_num,
        interventions.kind
    from result.interventions as interventions
    inner join result.drive_metrics as metrics on interventions.drive_id = metrics.drive_id
    inner join log.drive on interventions.drive_id = drive.drive_id
)

select * from final;
comment on column interventions.drive_id is 'number of the drive in this database';
comment on column interventions.dongle_id is 'the device';
comment on column interventions.drive is 'name of the drive, its log id';
comment on column interventions.mono_ns is 'logMonoTime of its start';
comment on column interventions.time_s is 'seconds from the first sample of the drive';
comment on column interventions.segment_num is 'segment that it starts in';
comment on column interventions.kind is 'lateral_override, longitudinal_override, or disengagement (a counted one by the driver)';
