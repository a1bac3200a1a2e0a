-- Driver input while engaged that goes on: steering, or accelerating without disengaging.
--
-- grain:   one row per (drive_id, axis, start_mono_ns)
-- reads:   result.overrides
-- null:    never
create or replace view overrides as
with

final as (
    select
        drive_id,
        engagement_num,
        axis,
        start_mono_ns,
        end_mono_ns,
        duration_s
    from result.overrides
)

select * from final;
comment on column overrides.drive_id is 'number of the drive in this database';
comment on column overrides.engagement_num is 'the engagement that it is in';
comment on column overrides.axis is 'lateral or longitudinal';
comment on column overrides.start_mono_ns is 'logMonoTime of the start';
comment on column overrides.end_mono_ns is 'logMonoTime of the end, which is not part of it';
comment on column overrides.duration_s is 'end - start';
