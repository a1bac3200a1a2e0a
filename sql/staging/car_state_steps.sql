-- The time from each carState sample to the next one of its drive.
--
-- grain:   one row per (drive_id, mono_ns): of samples at the same time the last
-- null:    next_mono_ns at the drive's last sample; distance_m where the step or a speed is unknown;
--          steering_angle_deg where the log does not have it
-- why:     is_known is false where nothing follows within the gap: what comes next is unknown. Flags
--          are two bits each in one number, as comparing one number is cheaper than comparing many
create or replace view staging.car_state_steps as
with

segments as (
    select
        drive_id,
        segment_num,
        case
            when log_kind = 'qlog' then (select max_gap_qlog_ns from result.thresholds)
            else (select max_gap_ns from result.thresholds)
        end as max_gap_ns
    from log.segment
),

flagged as (
    select
        drive_id,
        mono_ns,
        segment_num,
        message_num,
        v_ego_mps::double as v_ego_mps,
        steering_angle_deg,
        (
            two_bits(steering_pressed)
            + (1 << 2) * two_bits(steering_disengage)
            + (1 << 4) * two_bits(gas_pressed)
            + (1 << 6) * two_bits(coalesce(brake_pressed or regen_braking, brake_pressed, regen_braking))
            + (1 << 8) * two_bits(cruise_enabled)
            + (1 << 10) * two_bits(cruise_available)
            + (1 << 12) * case
                when
                    left_blinker
                    or right_blinker
                    or v_ego_mps < (select moving_min_mps from result.thresholds)
                    then 1
                when v_ego_mps is null then 2
                else 0
            end
            + (1 << 14) * two_bits(coalesce(standstill, abs(v_ego_mps) < 0.1))
            + (1 << 16) * two_bits(left_blinker)
            + (1 << 18) * two_bits(right_blinker)
            + (1 << 20) * two_bits(gear = 'park')
            + (1 << 22) * two_bits(gear = 'reverse')
            + (1 << 24) * two_bits(coalesce(acc_faulted or esp_disabled, acc_faulted, esp_disabled))
            + (1 << 26) * two_bits(stock_aeb)
            + (1 << 28) * two_bits(stock_fcw)
        )::uinteger as flags
    from log.car_state
),

samples as (
    select
        drive_id,
        mono_ns,
        segment_num,
        v_ego_mps,
        steering_angle_deg,
        flags,
        case when lead(drive_id) over as_logged = drive_id then lead(mono_ns) over as_logged end
            as next_mono_ns,
        lead(segment_num) over as_logged as next_segment_num,
        lead(v_ego_mps) over as_logged as next_v_ego_mps,
        case when lag(drive_id) over as_logged = drive_id then lag(mono_ns) over as_logged end
            as previous_mono_ns,
        lag(segment_num) over as_logged as previous_segment_num,
        lag(flags) over as_logged as previous_flags
    from flagged
    window as_logged as (partition by drive_id order by mono_ns, segment_num, message_num)
),

steps as (
    select
        samples.*,
        coalesce(
            holds_until(
                samples.mono_ns,
                samples.segment_num,
                samples.next_mono_ns,
                samples.next_segment_num,
                segments.max_gap_ns
            ),
            false
        ) as is_known,
        holds_until(
            samples.previous_mono_ns,
            samples.previous_segment_num,
            samples.mono_ns,
            samples.segment_num,
            previous_segments.max_gap_ns
        ) as follows_known
    from samples
    inner join segments
        on samples.drive_id = segments.drive_id and samples.segment_num = segments.segment_num
    left join segments as previous_segments
        on
            samples.drive_id = previous_segments.drive_id
            and samples.previous_segment_num = previous_segments.segment_num
    where samples.next_mono_ns is null or samples.next_mono_ns > samples.mono_ns
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
