-- Samples of carState around events.
--
-- grain:   one row per (drive_id, kind, event_mono_ns, segment_num, message_num)
-- null:    whatever carState does not say
-- why:     samples are found by the second that they fall in, so that each meets few events
create or replace view staging.event_samples as
with

seconds as (
    select
        *,
        unnest(seconds_between(look_from_ns, look_until_ns)) as mono_second
    from staging.event_looks
),

final as (
    select
        seconds.drive_id,
        seconds.kind,
        seconds.mono_ns as event_mono_ns,
        seconds.from_mono_ns,
        seconds.until_mono_ns,
        seconds.close_from_ns,
        seconds.close_until_ns,
        seconds.max_gap_ns,
        seconds.half_window_ns,
        seconds.unplanned_before_ns,
        car_state.mono_ns,
        car_state.segment_num,
        car_state.message_num,
        (car_state.mono_ns - seconds.mono_ns) / 1e9 as time_s,
        car_state.v_ego_mps::double as v_ego_mps,
        car_state.a_ego_mps2::double as a_ego_mps2,
        car_state.steering_angle_deg::double as steering_angle_deg,
        car_state.steering_torque::double as steering_torque,
        car_state.gas_pressed,
        car_state.left_blinker,
        car_state.right_blinker,
        car_state.stock_fcw,
        car_state.stock_aeb
    from seconds
    inner join log.car_state
        on
            seconds.drive_id = car_state.drive_id
            and seconds.mono_second = car_state.mono_ns // 1000000000
            and seconds.look_from_ns <= car_state.mono_ns
            and seconds.look_until_ns >= car_state.mono_ns
)

select * from final;
