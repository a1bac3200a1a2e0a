-- What the longitudinal planner wants, message by message.
--
-- grain:   one row per (drive_id, segment_num, message_num)
-- null:    what the log does not say; at_utc without a clock that was set
-- why:     from 0.8.6 to 0.9.7 aTarget was not written: what was wanted now is the first of accels
create or replace view plan_samples as
with

final as (
    select
        samples.drive_id,
        samples.segment_num,
        samples.message_num,
        samples.mono_ns,
        coalesce(samples.target_accel_mps2, samples.first_accel_mps2) as plan_accel_mps2,
        samples.plan_source,
        samples.has_lead as plan_has_lead,
        samples.should_stop as plan_should_stop,
        samples.fcw as plan_fcw
    from log.plan as samples
)

select * from final;
comment on column plan_samples.plan_accel_mps2 is 'acceleration that it wants now, also while it does not control the speed: aTarget, from 0.8.6 to 0.9.7 the first of accels';
