-- Time over which lateral tuning is measured, from one carState sample to the next.
--
-- grain:   one row per (drive_id, mono_ns): of samples at the same time the last
-- null:    steering_angle_deg where the log does not have it
-- why:     a step is measured if openpilot steers at its start, the driver does not, the car is fast
--          enough and the next sample is near, in a qlog too. In the two first bits of flags is
--          whether the driver steers
create or replace view staging.tuning_steps as
with

measured as (
    select
        drive_id,
        mono_ns,
        next_mono_ns,
        v_ego_mps,
        steering_angle_deg
    from staging.car_state_steps
    where
        is_known
        and next_mono_ns - mono_ns <= (select max_gap_ns from result.thresholds)
        and v_ego_mps >= (select tuning_min_speed_mps from result.thresholds)
        and (flags & 3) <> 1
),

steered as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        unnest(seconds_between(start_mono_ns, end_mono_ns)) as mono_second
    from result.state_intervals
    where lateral_active
),

final as (
    select
        measured.drive_id,
        measured.mono_ns,
        measured.next_mono_ns,
        measured.v_ego_mps,
        measured.steering_angle_deg
    from measured
    inner join steered
        on
            measured.drive_id = steered.drive_id
            and measured.mono_ns // 1000000000 = steered.mono_second
            and measured.mono_ns >= steered.start_mono_ns
            and measured.mono_ns < steered.end_mono_ns
)

select * from final;
