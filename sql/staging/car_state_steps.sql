-- The time from each carState sample to the next one of its drive.
--
-- grain:   one row per (drive_id, mono_ns): of samples at the same time the last
-- reads:   log.car_state, result.thresholds
-- null:    next_mono_ns at the drive's last sample; distance_m where the step or a speed is unknown
-- why:     is_known is false where nothing follows within the gap: what comes next is unknown
create or replace view staging.car_state_steps as
with

flagged as (
    select
        drive_id,
        mono_ns,
        segment_num,
        message_num,
        v_ego_mps::double as v_ego_mps,
        cruise_enabled,
        steering_pressed,
        gas_pressed,
        brake_pressed,
        (
            coalesce(cruise_enabled::utinyint, 2)
            + 4 * coalesce(steering_pressed::utinyint, 2)
            + 16 * coalesce(gas_pressed::utinyint, 2)
            + 64 * coalesce(brake_pressed::utinyint, 2)
        )::utinyint as flags
    from log.car_state
),

samples as (
    select
        drive_id,
        mono_ns,
        segment_num,
        v_ego_mps,
        cruise_enabled,
        steering_pressed,
        gas_pressed,
        brake_pressed,
        lead(mono_ns) over by_time as next_mono_ns,
        lead(segment_num) over by_time as next_segment_num,
        lead(v_ego_mps) over by_time as next_v_ego_mps,
        lag(mono_ns) over by_time as previous_mono_ns,
        lag(segment_num) over by_time as previous_segment_num,
        flags,
        lag(flags) over by_time as previous_flags
    from flagged
    window by_time as (partition by drive_id order by mono_ns, segment_num, message_num)
),

steps as (
    select
        *,
        (
            coalesce(next_mono_ns - mono_ns <= (select max_gap_ns from result.thresholds), false)
            and next_segment_num - segment_num <= 1
        ) as is_known,
        (
            mono_ns > previous_mono_ns
            and mono_ns - previous_mono_ns <= (select max_gap_ns from result.thresholds)
            and segment_num - previous_segment_num <= 1
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
        cruise_enabled,
        steering_pressed,
        gas_pressed,
        brake_pressed,
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
