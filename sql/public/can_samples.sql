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
        (samples.mono_ns - facts.first_mono_ns) / 1e9 as time_s,
        wall_time(identity.started_at_utc, facts.first_mono_ns, samples.mono_ns) as at_utc,
        samples.frame_num,
        samples.signal_key,
        samples.bus::integer as bus,
        samples.value
    from log.can_signal as samples
    inner join result.drive_facts as facts on samples.drive_id = facts.drive_id
    left join result.drive_identity as identity on samples.drive_id = identity.drive_id
)

select * from final;
comment on column can_samples.time_s is 'seconds from the first sample of the drive';
comment on column can_samples.at_utc is 'when it was logged; null without a clock that was set';
