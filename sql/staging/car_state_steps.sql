-- The time from each carState sample to the next one of its drive.
--
-- grain:   one row per (drive_id, mono_ns): of samples at the same time the last
-- null:    next_mono_ns at the drive's last sample; distance_m where the step or a speed is unknown;
--          steering_angle_deg where the log does not have it
-- why:     is_known is false where nothing follows within the gap: what comes next is unknown. Flags
--          are two bits each in one number, as comparing one number is cheaper than comparing many
create or replace view staging.car_state_steps as
with

flagged as (
    select
        car_state.drive_id,
        car_state.mono_ns,
        car_state.segment_num,
        car_state.message_num,
        car_state.v_ego_mps::double as v_ego_mps,
        car_state.steering_angle_deg,
        case
            when segment.log_kind = 'qlog' then (select max_gap_qlog_ns from result.thresholds)
            else (select max_gap_ns from result.thresholds)
        end as max_gap_ns,
        (
            coalesce(car_state.steering_pressed::uinteger, 2)
            + (1 << 2) * coalesce(car_state.steering_disengage::uinteger, 2)
            + (1 << 4) * coalesce(car_state.gas_pressed::uinteger, 2)
            + (1 << 6) * case
                when car_state.brake_pressed or car_state.regen_braking then 1
                else coalesce(car_state.brake_pressed::uinteger, car_state.regen_braking::uinteger, 2)
            end
            + (1 << 8) * coalesce(car_state.cruise_enabled::uinteger, 2)
            + (1 << 10) * coalesce(car_state.cruise_available::uinteger, 2)
            + (1 << 12) * case
                when
                    car_state.left_blinker
                    or car_state.right_blinker
                    or car_state.v_ego_mps < (select moving_min_mps from result.thresholds)
                    then 1
                when car_state.v_ego_mps is null then 2
                else 0
            end
            + (1 << 14) * coalesce(
                car_state.standstill::uinteger, (abs(car_state.v_ego_mps) < 0.1)::uinteger, 2
            )
            + (1 << 16) * coalesce(car_state.left_blinker::uinteger, 2)
            + (1 << 18) * coalesce(car_state.right_blinker::uinteger, 2)
            + (1 << 20) * coalesce((car_state.gear = 'park')::uinteger, 2)
            + (1 << 22) * coalesce((car_state.gear = 'reverse')::uinteger, 2)
            + (1 << 24) * case
                when car_state.acc_faulted or car_state.esp_disabled then 1
                else coalesce(car_state.acc_faulted::uinteger, car_state.esp_disabled::uinteger, 2)
            end
            + (1 << 26) * coalesce(car_state.stock_aeb::uinteger, 2)
            + (1 << 28) * coalesce(car_state.stock_fcw::uinteger, 2)
        )::uinteger as flags
    from log.car_state as car_state
    inner join log.segment as segment
        on
            car_state.drive_id = segment.drive_id
            and car_state.segment_num = segment.segment_num
),

samples as (
    select
        drive_id,
        mono_ns,
        segment_num,
        v_ego_mps,
        steering_angle_deg,
        max_gap_ns,
        flags,
        lead(mono_ns) over by_time as next_mono_ns,
        lead(segment_num) over by_time as next_segment_num,
        lead(v_ego_mps) over by_time as next_v_ego_mps,
        lag(mono_ns) over by_time as previous_mono_ns,
        lag(segment_num) over by_time as previous_segment_num,
        lag(max_gap_ns) over by_time as previous_max_gap_ns,
        lag(flags) over by_time as previous_flags
    from flagged
    window by_time as (partition by drive_id order by mono_ns, segment_num, message_num)
),

steps as (
    select
        *,
        coalesce(
            holds_until(mono_ns, segment_num, next_mono_ns, next_segment_num, max_gap_ns), false
        ) as is_known,
        holds_until(
            previous_mono_ns, previous_segment_num, mono_ns, segment_num, previous_max_gap_ns
        ) as follows_known
    from samples
    where next_mono_ns is null or next_mono_ns > mono_ns
),

final as (
    select
        drive_id,
        mono_ns,
        next_mono_ns,
        is_known,
        v_ego_mps,
        steering_angle_deg,
        flags,
        case
            when is_known and v_ego_mps is not null and next_v_ego_mps is not null
                then
                    (greatest(v_ego_mps, 0) + greatest(next_v_ego_mps, 0)) / 2
                    * ((next_mono_ns - mono_ns) / 1e9)
        end as distance_m,
        (
            not is_known
            or follows_known is distinct from true
            or (flags is distinct from previous_flags)
        ) as is_edge
    from steps
)

select * from final;
