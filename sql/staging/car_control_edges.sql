-- Moments from which on carControl may say something else of lateral and longitudinal control.
--
-- grain:   one row per (drive_id, mono_ns)
-- null:    lat_active and long_active where the log's writer had no such fields
-- why:     is_known is false from a sample that nothing follows within the gap
create or replace view staging.car_control_edges as
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

samples as (
    select
        car_control.drive_id,
        car_control.mono_ns,
        car_control.segment_num,
        car_control.enabled,
        car_control.lat_active,
        car_control.long_active,
        segments.max_gap_ns,
        lag(segments.max_gap_ns) over by_time as previous_max_gap_ns,
        lag(car_control.mono_ns) over by_time as previous_mono_ns,
        lag(car_control.mono_ns, 2) over by_time as second_last_mono_ns,
        lag(car_control.segment_num) over by_time as previous_segment_num,
        lag(car_control.enabled) over by_time as previous_enabled,
        lag(car_control.lat_active) over by_time as previous_lat_active,
        lag(car_control.long_active) over by_time as previous_long_active,
        lead(car_control.mono_ns) over by_time as next_mono_ns,
        lead(car_control.segment_num) over by_time as next_segment_num
    from log.car_control as car_control
    inner join segments
        on
            car_control.drive_id = segments.drive_id
            and car_control.segment_num = segments.segment_num
    window by_time as (
        partition by car_control.drive_id
        order by car_control.mono_ns, car_control.segment_num, car_control.message_num
    )
),

steps as (
    select
        drive_id,
        mono_ns,
        enabled,
        lat_active,
        long_active,
        mono_ns - coalesce(nullif(previous_mono_ns, mono_ns), second_last_mono_ns) as step_ns,
        coalesce(
            holds_until(mono_ns, segment_num, next_mono_ns, next_segment_num, max_gap_ns), false
        ) as is_known,
        (
            enabled = previous_enabled
            and (lat_active is not distinct from previous_lat_active)
            and (long_active is not distinct from previous_long_active)
            and holds_until(
                previous_mono_ns, previous_segment_num, mono_ns, segment_num, previous_max_gap_ns
            )
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
        long_active,
        coalesce(step_ns, 0) as uncertainty_ns
    from steps
    where not is_known or is_same is distinct from true
)

select * from final;
