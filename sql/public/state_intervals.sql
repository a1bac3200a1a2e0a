-- Maximal runs of one state.
--
-- grain:   one row per (drive_id, start_mono_ns)
-- reads:   result.state_intervals
-- null:    every flag while the mode is unknown; the two axes while nothing tells of them
create or replace view state_intervals as
with

final as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        (end_mono_ns - start_mono_ns) / 1e9 as duration_s,
        mode,
        enabled,
        active,
        lateral_active,
        longitudinal_active
    from result.state_intervals
)

select * from final;
comment on column state_intervals.drive_id is 'number of the drive in this database';
comment on column state_intervals.start_mono_ns is 'logMonoTime of the start';
comment on column state_intervals.end_mono_ns is 'logMonoTime of the end, which is not part of it';
comment on column state_intervals.duration_s is 'end - start';
comment on column state_intervals.mode is 'engaged, lateral_only, pre_enabled, manual, or unknown (no sample within a second)';
comment on column state_intervals.enabled is 'openpilot is enabled; null when unknown';
comment on column state_intervals.active is 'openpilot is in control; null when unknown';
comment on column state_intervals.lateral_active is 'it steers; null when unknown';
comment on column state_intervals.longitudinal_active is 'it, or stock cruise, controls speed; null when unknown';
