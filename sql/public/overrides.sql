-- Driver input that goes on while openpilot assists: steering, or accelerating without disengaging.
--
-- grain:   one row per (drive_id, axis, start_mono_ns)
-- reads:   result.overrides
-- null:    steering_torque where carState does not say it
create or replace view overrides as
with

final as (
    select
        drive_id,
        engagement_num,
        mode,
        axis,
        start_mono_ns,
        end_mono_ns,
        duration_s,
        is_carried_in,
        is_nudge,
        is_nag_answer,
        is_resume,
        is_intervention,
        steering_torque
    from result.overrides
)

select * from final;
comment on column overrides.drive_id is 'number of the drive in this database';
comment on column overrides.engagement_num is 'the engagement that it is in';
comment on column overrides.mode is 'engaged or lateral_only, when it starts';
comment on column overrides.axis is 'lateral or longitudinal';
comment on column overrides.start_mono_ns is 'logMonoTime of the start';
comment on column overrides.end_mono_ns is 'logMonoTime of the end, which is not part of it';
comment on column overrides.duration_s is 'end - start';
comment on column overrides.is_carried_in is 'pressed already when the engagement (steering: the stretch of assistance) began: no intervention';
comment on column overrides.is_nudge is 'confirms a lane change and is over in 1.5 s: no intervention';
comment on column overrides.is_nag_answer is 'answers an alert to touch the wheel and is over in 1.5 s: no intervention';
comment on column overrides.is_resume is 'accelerator begun at standstill, or when asked to resume: no intervention';
comment on column overrides.is_intervention is 'the driver takes over: none of these';
comment on column overrides.steering_torque is 'steeringTorque at its start in the car''s own unit, left positive; null for the accelerator, or where carState does not say it';
