-- Moments from which on openpilot's own state, or what carControl asks of the car, may be another.
--
-- grain:   one row per (drive_id, is_car_control, mono_ns)
-- null:    changed_after_ns unless it is a change of a qlog's `active` in known time; active_since_ns
--          unless it is a sample of a qlog that is active as the one before is, which is so long ago
--          that openpilot may have been off meanwhile
-- why:     code has enabled in its first bit. Of openpilot's own state the second one is active; of
--          carControl two bits each are lat_active and long_active, 0 where the log's writer had no
--          such fields. is_known is false from a sample that nothing follows within the gap;
--          uncertainty_ns is the time in which a change must lie
create or replace view staging.control_edges as
with

segments as (
    select
        drive_id,
        segment_num,
        (log_kind = 'qlog') as is_qlog,
        case
            when log_kind = 'qlog' then (select max_gap_qlog_ns from result.thresholds)
            else (select max_gap_ns from result.thresholds)
        end as max_gap_ns
    from log.segment
),

coded as (
    select
        drive_id,
        false as is_car_control,
        mono_ns,
        segment_num,
        message_num,
        enabled::int + active::int * 2 as code
    from staging.control_samples
    union all
    select
        drive_id,
        true as is_car_control,
        mono_ns,
        segment_num,
        message_num,
        enabled::int
        + coalesce(2 + lat_active::int, 0) * 2
        + coalesce(2 + long_active::int, 0) * 8 as code
    from log.car_control
),

samples as (
    select
        coded.*,
        segments.is_qlog,
        segments.max_gap_ns,
        lag(segments.max_gap_ns) over by_time as previous_max_gap_ns,
        lag(coded.mono_ns) over by_time as previous_mono_ns,
        first_value(coded.mono_ns) over (
            by_time rows between 2 preceding and 2 preceding
        ) as second_last_mono_ns,
        lag(coded.segment_num) over by_time as previous_segment_num,
        lag(coded.code) over by_time as previous_code,
        lead(coded.mono_ns) over by_time as next_mono_ns,
        lead(coded.segment_num) over by_time as next_segment_num
    from coded
    inner join segments
        on coded.drive_id = segments.drive_id and coded.segment_num = segments.segment_num
    window by_time as (
        partition by coded.drive_id, coded.is_car_control
        order by coded.mono_ns, coded.segment_num, coded.message_num
    )
),

steps as (
    select
        *,
        mono_ns - coalesce(nullif(previous_mono_ns, mono_ns), second_last_mono_ns) as step_ns,
        coalesce(
            holds_until(mono_ns, segment_num, next_mono_ns, next_segment_num, max_gap_ns), false
        ) as is_known,
        coalesce(
            holds_until(
                previous_mono_ns, previous_segment_num, mono_ns, segment_num, previous_max_gap_ns
            ),
            false
        ) as follows
    from samples
    where next_mono_ns is null or next_mono_ns > mono_ns
),

judged as (
    select
        *,
        (
            is_qlog
            and follows
            and not is_car_control
            and (code & previous_code & 2) = 2
            and step_ns > (select engagement_min_off_ns from result.thresholds)
        ) as is_coarse
    from steps
),

final as (
    select
        drive_id,
        is_car_control,
        mono_ns,
        is_known,
        code,
        case
            when is_qlog and follows and not is_car_control and (code & 2) <> (previous_code & 2)
                then previous_mono_ns
        end as changed_after_ns,
        case when is_coarse then previous_mono_ns end as active_since_ns,
        case
            when step_ns > max_gap_ns and not is_car_control then 0
            when is_coarse and is_known and code = previous_code then 0
            else coalesce(step_ns, 0)
        end as uncertainty_ns
    from judged
    where not is_known or not follows or code <> previous_code or is_coarse
)

select * from final;
