-- Events with the time around them that tells how dangerous they were.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- null:    never
-- why:     the look reaches further than the window, for the sample in force at its start and the
--          slopes at its end; it carries the thresholds, as a subquery for each is slow to plan
create or replace view staging.event_looks as
with

final as (
    select
        moments.drive_id,
        moments.kind,
        moments.mono_ns,
        moments.mono_ns - thresholds.severity_before_ns as from_mono_ns,
        moments.mono_ns + thresholds.severity_after_ns as until_mono_ns,
        moments.mono_ns
        - thresholds.severity_before_ns
        - thresholds.max_gap_ns as look_from_ns,
        moments.mono_ns
        + thresholds.severity_after_ns
        + thresholds.jerk_window_ns as look_until_ns,
        moments.mono_ns - thresholds.cause_before_ns as close_from_ns,
        moments.mono_ns + thresholds.cause_after_ns as close_until_ns,
        thresholds.max_gap_ns,
        thresholds.jerk_window_ns // 2 as half_window_ns,
        thresholds.unplanned_before_ns,
        thresholds.ttc_min_closing_mps,
        thresholds.thw_min_speed_mps,
        thresholds.drac_min_distance_m
    from result.event_moments as moments
    cross join result.thresholds as thresholds
)

select * from final;
