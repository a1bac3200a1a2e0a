-- Time and distance of each run of one mode in a part of a drive by speed band, by carState's speed.
--
-- grain:   one row per (drive_id, start_mono_ns, speed_band, is_moving)
-- null:    never
-- why:     a step counts by the state and the speed at its start; a negative speed is standstill
create or replace view compute.interval_motion as
with

steps as (
    select
        drive_id,
        mono_ns,
        next_mono_ns - mono_ns as duration_ns,
        distance_m,
        v_ego_mps
    from staging.car_state_steps
    where is_known and distance_m is not null
),

placed as (
    select
        steps.drive_id,
        spans.start_mono_ns,
        spans.part_num,
        spans.mode,
        speed_band(steps.v_ego_mps) as speed_band,
        (steps.v_ego_mps > (select moving_min_mps from result.thresholds)) as is_moving,
        steps.duration_ns,
        steps.distance_m
    from steps
    asof inner join result.part_spans as spans
        on steps.drive_id = spans.drive_id and steps.mono_ns >= spans.start_mono_ns
),

final as (
    select
        drive_id,
        start_mono_ns,
        part_num,
        mode,
        speed_band,
        is_moving,
        sum(duration_ns)::bigint as duration_ns,
        fsum(distance_m)::double as distance_m
    from placed
    group by drive_id, start_mono_ns, part_num, mode, speed_band, is_moving
)

select * from final;
