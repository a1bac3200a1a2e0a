-- Moments from which on carControl may say something else of lateral and longitudinal control.
--
-- grain:   one row per (drive_id, mono_ns)
-- reads:   log.car_control, result.thresholds
-- null:    lat_active and long_active where the log's writer had no such fields
-- why:     is_known is false from a sample that nothing follows within the gap
create or replace view staging.car_control_edges as
with

samples as (
    select
        drive_id,
        mono_ns,
        segment_num,
        enabled,
        lat_active,
        long_active,
        lag(mono_ns) over by_time as previous_mono_ns,
        lag(segment_num) over by_time as previous_segment_num,
        lag(enabled) over by_time as previous_enabled,
        lag(lat_active) over by_time as previous_lat_active,
        lag(long_active) over by_time as previous_long_active,
        lead(mono_ns) over by_time as next_mono_ns,
        lead(segment_num) over by_time as next_segment_num
    from log.car_control
    window by_time as (partition by drive_id order by mono_ns, segment_num, message_num)
),

steps as (
    select
        drive_id,
        mono_ns,
        enabled,
        lat_active,
        long_active,
        (
            coalesce(next_mono_ns - mono_ns <= (select max_gap_ns from result.thresholds), false)
            and next_segment_num - segment_num <= 1
        ) as is_known,
        (
            enabled = previous_enabled
            and (lat_active is not distinct from previous_lat_active)
            and (long_active is not distinct from previous_long_active)
            and mono_ns > previous_mono_ns
            and mono_ns - previous_mono_ns <= (select max_gap_ns from result.thresholds)
            and segment_num - previous_segment_num <= 1
        ) as is_same
    from samples
    where next_mono_ns is null or next_mono_ns > mono_ns
),

final as (
    select
        drive_id,
        mono_ns,
        is_known,
        enabled,
        lat_active,
        long_active
    from steps
    where not is_known or is_same is distinct from true
)

select * from final;
