-- How the car moved around events, and what else carState tells of them.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- null:    what was not sampled; a slope needs three samples in its window
-- why:     the first derivative of a Savitzky-Golay filter of order 2 is the slope of the line
--          through the window's samples
create or replace view staging.event_motion as
with

slopes as (
    select
        drive_id,
        kind,
        event_mono_ns,
        mono_ns,
        until_mono_ns,
        regr_slope(a_ego_mps2, time_s) over around as jerk_mps3,
        count(a_ego_mps2) over around as n_accelerations,
        regr_slope(steering_angle_deg, time_s) over around as steering_rate_deg_per_s,
        count(steering_angle_deg) over around as n_angles
    from staging.event_samples
    where mono_ns >= event_mono_ns - half_window_ns
    window around as (
        partition by drive_id, kind, event_mono_ns order by mono_ns
        range between half_window_ns preceding and half_window_ns following
    )
),

at_event as (
    select
        drive_id,
        kind,
        event_mono_ns,
        last(a_ego_mps2 order by mono_ns, segment_num, message_num) as a_ego_mps2,
        arg_max(steering_torque, message_order(mono_ns, segment_num, message_num))
            as steering_torque,
        last(
            case
                when left_blinker and not coalesce(right_blinker, false) then 'left'
                when right_blinker and not coalesce(left_blinker, false) then 'right'
            end
            order by mono_ns, segment_num, message_num
        ) as blinker_side
    from staging.event_samples
    where
        mono_ns <= event_mono_ns
        and mono_ns >= event_mono_ns - max_gap_ns
    group by drive_id, kind, event_mono_ns
),

peaks as (
    select
        drive_id,
        kind,
        event_mono_ns,
        max(abs(jerk_mps3)) filter (where n_accelerations >= 3) as peak_jerk_mps3,
        max(abs(steering_rate_deg_per_s)) filter (where n_angles >= 3)
            as peak_steering_rate_deg_per_s
    from slopes
    where mono_ns between event_mono_ns and until_mono_ns
    group by drive_id, kind, event_mono_ns
),

around_event as (
    select
        drive_id,
        kind,
        event_mono_ns,
        max(-a_ego_mps2) filter (where mono_ns >= event_mono_ns) as deceleration_mps2,
        count(stock_fcw) > 0 as tells_fcw,
        count(stock_aeb) > 0 as tells_aeb,
        bool_or(left_blinker or right_blinker) filter (where mono_ns <= event_mono_ns)
            as has_blinker,
        bool_or(gas_pressed) filter (
            where mono_ns between close_from_ns and close_until_ns
        ) as has_gas,
        min(a_ego_mps2) filter (
            where mono_ns between event_mono_ns - unplanned_before_ns and event_mono_ns
        ) as least_a_ego_mps2
    from staging.event_samples
    where mono_ns between from_mono_ns and until_mono_ns
    group by drive_id, kind, event_mono_ns
),

final as (
    select
        around_event.drive_id,
        around_event.kind,
        around_event.event_mono_ns as mono_ns,
        at_event.a_ego_mps2,
        at_event.steering_torque,
        at_event.blinker_side,
        case
            when around_event.deceleration_mps2 is not null
                then greatest(around_event.deceleration_mps2, 0) + 0.0
        end as peak_deceleration_mps2,
        peaks.peak_jerk_mps3,
        peaks.peak_steering_rate_deg_per_s,
        around_event.tells_fcw,
        around_event.tells_aeb,
        around_event.has_blinker,
        around_event.has_gas,
        around_event.least_a_ego_mps2
    from around_event
    left join peaks
        on
            around_event.drive_id = peaks.drive_id
            and around_event.kind = peaks.kind
            and around_event.event_mono_ns = peaks.event_mono_ns
    left join at_event
        on
            around_event.drive_id = at_event.drive_id
            and around_event.kind = at_event.kind
            and around_event.event_mono_ns = at_event.event_mono_ns
)

select * from final;
