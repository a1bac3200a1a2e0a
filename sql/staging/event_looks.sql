-- Events with the time around them that tells how dangerous they were.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- reads:   result.event_moments, staging.thresholds
-- null:    never
-- why:     the look reaches further than the window, for the sample in force at its start and the
--          slopes at its end
create or replace view staging.event_looks as
with

final as (
    select
        drive_id,
        kind,
        mono_ns,
        mono_ns - (select severity_before_ns from staging.thresholds) as from_mono_ns,
        mono_ns + (select severity_after_ns from staging.thresholds) as until_mono_ns,
        mono_ns
        - (select severity_before_ns from staging.thresholds)
        - (select max_gap_ns from staging.thresholds) as look_from_ns,
        mono_ns
        + (select severity_after_ns from staging.thresholds)
        + (select jerk_window_ns from staging.thresholds) as look_until_ns
    from result.event_moments
)

select * from final;
