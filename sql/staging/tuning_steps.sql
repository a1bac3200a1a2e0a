-- Time over which lateral tuning is measured, from one carState sample to the next.
--
-- grain:   one row per (drive_id, mono_ns): of samples at the same time the last
-- reads:   car_state, result.state_intervals, staging.thresholds
-- null:    steering_angle_deg where the log does not have it
-- why:     a step is measured if openpilot steers at its start, the driver does not, the car is fast
--          enough and the next sample is near
create or replace view staging.tuning_steps as
with

samples as (
    select
        drive_id,
        mono_ns,
        segment_num,
        v_ego_mps::double as v_ego_mps,
        steering_angle_deg::double as steering_angle_deg,
        steering_pressed,
        lead(mono_ns) over by_time as next_mono_ns,
        lead(segment_num) over by_time as next_segment_num
    from car_state
    window by_time as (partition by drive_id order by mono_ns, segment_num, message_num)
),

steps as (
    select
        drive_id,
        mono_ns,
        next_mono_ns,
        v_ego_mps,
        steering_angle_deg
    from samples
    where
        next_mono_ns > mono_ns
        and next_mono_ns - mono_ns <= (select max_gap_ns from staging.thresholds)
        and next_segment_num - segment_num <= 1
        and v_ego_mps >= (select tuning_min_speed_mps from staging.thresholds)
        and not coalesce(steering_pressed, false)
),

final as (
    select
        steps.drive_id,
        steps.mono_ns,
        steps.next_mono_ns,
        steps.v_ego_mps,
        steps.steering_angle_deg
    from steps
    asof inner join result.state_intervals as intervals
        on steps.drive_id = intervals.drive_id and steps.mono_ns >= intervals.start_mono_ns
    where intervals.lateral_active
)

select * from final;
