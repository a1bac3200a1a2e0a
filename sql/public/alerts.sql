-- Alerts that asked something of the driver.
--
-- grain:   one row per (drive_id, start_mono_ns)
-- reads:   result.alerts, result.drive_metrics, log.drive
-- null:    texts that the alert does not have; what did not follow in time
create or replace view alerts as
with

final as (
    select
        alerts.drive_id,
        drive.dongle_id,
        drive.drive,
        alerts.start_mono_ns,
        alerts.end_mono_ns,
        (alerts.start_mono_ns - metrics.first_mono_ns) / 1e9 as time_s,
        (alerts.end_mono_ns - alerts.start_mono_ns) / 1e9 as duration_s,
        alerts.is_engaged,
        alerts.alert_type,
        alerts.text1,
        alerts.text2,
        alerts.alert_status,
        alerts.alert_size,
        alerts.first_input,
        alerts.reaction_s,
        alerts.time_to_disengagement_s
    from result.alerts as alerts
    inner join result.drive_metrics as metrics on alerts.drive_id = metrics.drive_id
    inner join log.drive on alerts.drive_id = drive.drive_id
)

select * from final;
comment on column alerts.drive_id is 'number of the drive in this database';
comment on column alerts.dongle_id is 'the device';
comment on column alerts.drive is 'name of the drive, its log id';
comment on column alerts.start_mono_ns is 'logMonoTime of the start';
comment on column alerts.end_mono_ns is 'logMonoTime of the end, which is not part of it';
comment on column alerts.time_s is 'seconds from the first sample of the drive';
comment on column alerts.duration_s is 'end - start';
comment on column alerts.is_engaged is 'openpilot was engaged when it came up';
comment on column alerts.alert_type is 'event and kind of alert, as openpilot names it; null in logs before 0.5.5';
comment on column alerts.text1 is 'first line';
comment on column alerts.text2 is 'second line; null without one';
comment on column alerts.alert_status is 'userPrompt or critical';
comment on column alerts.alert_size is 'none, small, mid or full';
comment on column alerts.first_input is 'what the driver did first: steering, gas, brake or button; null if nothing within 10 s';
comment on column alerts.reaction_s is 'time from the start to that input, 0 where it was going on already';
comment on column alerts.time_to_disengagement_s is 'time from the start to the end of an engagement; null if none ended within 10 s';
