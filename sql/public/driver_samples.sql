-- What driver monitoring says of the driver, message by message.
--
-- grain:   one row per (drive_id, segment_num, message_num)
-- null:    what the log does not say; at_utc without a clock that was set
-- why:     since 0.11.1 the camera and the wheel each have an awareness: the one that counts is taken
create or replace view driver_samples as
with

final as (
    select
        samples.drive_id,
        samples.segment_num,
        samples.message_num,
        samples.mono_ns,
        samples.is_face_detected as is_driver_face_detected,
        samples.is_distracted as is_driver_distracted,
        case
            when not samples.is_by_camera
                then coalesce(samples.wheel_awareness_fraction, samples.awareness_fraction)
            else samples.awareness_fraction
        end as driver_awareness_fraction,
        samples.is_by_camera as is_driver_watched_by_camera,
        samples.alert_level as driver_alert_level
    from log.driver_monitoring as samples
)

select * from final;
comment on column driver_samples.driver_awareness_fraction is '1 while the driver is attentive, 0 at the last warning: by the camera or by the wheel, whichever counts';
