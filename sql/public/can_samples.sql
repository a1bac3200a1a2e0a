-- CAN signals of the vehicle profile, frame by frame.
--
-- grain:   one row per (drive_id, segment_num, message_num, frame_num, signal_key)
-- null:    at_utc without a clock that was set
create or replace view can_samples as
with

final as (
    select
        samples.drive_id,
        samples.segment_num,
        samples.message_num,
        samples.mono_ns,
        samples.frame_num,
        samples.signal_key,
        samples.bus::integer as bus,
        samples.value
    from log.can_signal as samples
)

select * from final;
