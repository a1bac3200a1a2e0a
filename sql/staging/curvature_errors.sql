-- By what openpilot's curvature misses the desired one, in tenths of a second.
--
-- grain:   one row per (drive_id, tenth_num): logMonoTime in whole tenths
-- null:    error_per_m where a curvature is null throughout
-- why:     a writer that did not have a curvature leaves 0, so the two flags say if it ever is not
create or replace view staging.curvature_errors as
with

curvatures as (
    select
        drive_id,
        mono_ns // 100000000 as tenth_num,
        desired_curvature_per_m::double as desired_per_m,
        curvature_per_m::double as actual_per_m
    from log.controls_state
),

final as (
    select
        drive_id,
        tenth_num,
        fsum(abs(desired_per_m - actual_per_m)) / nullif(count(desired_per_m - actual_per_m), 0)
            as error_per_m,
        bool_or(desired_per_m <> 0) as has_desired,
        bool_or(actual_per_m <> 0) as has_actual
    from curvatures
    group by drive_id, tenth_num
)

select * from final;
