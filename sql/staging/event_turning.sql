-- Lateral acceleration after events, from openpilot's curvature and the speed.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- null:    rows are left out where no curvature was logged: no road is straight to the last digit
create or replace view staging.event_turning as
with

seconds as (
    select
        *,
        unnest(seconds_between(mono_ns, until_mono_ns)) as mono_second
    from staging.event_looks
),

curvatures as (
    select
        seconds.drive_id,
        seconds.kind,
        seconds.mono_ns as event_mono_ns,
        seconds.max_gap_ns,
        controls_state.mono_ns,
        controls_state.curvature_per_m::double as curvature_per_m
    from seconds
    inner join log.controls_state
        on
            seconds.drive_id = controls_state.drive_id
            and seconds.mono_second = controls_state.mono_ns // 1000000000
            and seconds.mono_ns <= controls_state.mono_ns
            and seconds.until_mono_ns >= controls_state.mono_ns
    where controls_state.curvature_per_m is not null
),

final as (
    select
        curvatures.drive_id,
        curvatures.kind,
        curvatures.event_mono_ns as mono_ns,
        max(abs(curvatures.curvature_per_m) * speeds.v_ego_mps * speeds.v_ego_mps)
            as peak_lateral_acceleration_mps2
    from curvatures
    asof inner join staging.event_speeds as speeds
        on
            curvatures.drive_id = speeds.drive_id
            and curvatures.kind = speeds.kind
            and curvatures.event_mono_ns = speeds.event_mono_ns
            and curvatures.mono_ns >= speeds.mono_ns
    where curvatures.mono_ns - speeds.mono_ns <= curvatures.max_gap_ns
    group by curvatures.drive_id, curvatures.kind, curvatures.event_mono_ns
    having max(abs(curvatures.curvature_per_m)) > 0
)

select * from final;
