-- Time over which lateral tuning is measured, from one carState sample to the next.
--
-- grain:   one row per (drive_id, mono_ns): of samples at the same time the last
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
        v_ego_mps,
        steering_angle_deg,
        steering_pressed,
        lead(mono_ns) over by_time as next_mono_ns,
        lead(segment_num) over by_time as next_segment_num
    from log.car_state
    window by_time as (partition by drive_id order by mono_ns, segment_num, message_num)
),

steps as (
    select
        drive_id,
        mono_ns,
        next_mono_ns,
        v_ego_mps,
        steering_angle_deg,
        coalesce(
            holds_until(
                mono_ns, segment_num, next_mono_ns, next_segment_num,
                (select max_gap_ns from result.thresholds)
            )
            and v_ego_mps >= (select tuning_min_speed_mps from result.thresholds)
            and not coalesce(steering_pressed, false),
            false
        ) as is_measured
    from samples
),

measured as (
    select
        drive_id,
        mono_ns,
        next_mono_ns,
        v_ego_mps,
        steering_angle_deg
    from steps
    where is_measured
),

final as (
    select
        measured.drive_id,
        measured.mono_ns,
        measured.next_mono_ns,
        measured.v_ego_mps,
        measured.steering_angle_deg
    from measured
    asof inner join result.state_intervals as intervals
        on measured.drive_id = intervals.drive_id and measured.mono_ns >= intervals.start_mono_ns
    where intervals.lateral_active
)

select * from final;
