-- The curvature that is driven and that is wanted, message by message.
--
-- grain:   one row per (drive_id, segment_num, message_num)
-- null:    what the log does not say; at_utc without a clock that was set
create or replace view curvature_samples as
with

final as (
    select
        samples.drive_id,
        samples.segment_num,
        samples.message_num,
        samples.mono_ns,
        samples.curvature_per_m,
        samples.desired_curvature_per_m
    from log.controls_state as samples
)

select * from final;
