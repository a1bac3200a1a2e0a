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

-- Each service has windows of its own, as rows of several lie in no order that DuckDB keeps.
controls_states as (
    select
        drive_id,
        'controlsState' as service,
        mono_ns,
        segment_num,
        code,
        case when lag(drive_id) over as_logged = drive_id then lag(mono_ns) over as_logged end
            as previous_mono_ns,
        case when lag(drive_id, 2) over as_logged = drive_id then lag(mono_ns, 2) over as_logged end
            as second_last_mono_ns,
        lag(segment_num) over as_logged as previous_segment_num,
        lag(code) over as_logged as previous_code,
        case when lead(drive_id) over as_logged = drive_id then lead(mono_ns) over as_logged end
            as next_mono_ns,
        lead(segment_num) over as_logged as next_segment_num
    from (
        select
            drive_id,
            mono_ns,
            segment_num,
            message_num,
            enabled::int + active::int * 2 as code
        from log.controls_state
    ) as coded
    window as_logged as (partition by drive_id order by mono_ns, segment_num, message_num)
),

selfdrive_states as (
    select
        drive_id,
        'selfdriveState' as service,
        mono_ns,
        segment_num,
        code,
        case when lag(drive_id) over as_logged = drive_id then lag(mono_ns) over as_logged end
            as previous_mono_ns,
        case when lag(drive_id, 2) over as_logged = drive_id then lag(mono_ns, 2) over as_logged end
            as second_last_mono_ns,
        lag(segment_num) over as_logged as previous_segment_num,
        lag(code) over as_logged as previous_code,
        case when lead(drive_id) over as_logged = drive_id then lead(mono_ns) over as_logged end
            as next_mono_ns,
        lead(segment_num) over as_logged as next_segment_num
    from (
        select
            drive_id,
            mono_ns,
            segment_num,
            message_num,
            enabled::int + active::int * 2 as code
        from log.selfdrive_state
    ) as coded
    window as_logged as (partition by drive_id order by mono_ns, segment_num, message_num)
),

car_controls as (
    select
        drive_id,
        'carControl' as service,
        mono_ns,
        segment_num,
        code,
        case when lag(drive_id) over as_logged = drive_id then lag(mono_ns) over as_logged end
            as previous_mono_ns,
        case when lag(drive_id, 2) over as_logged = drive_id then lag(mono_ns, 2) over as_logged end
            as second_last_mono_ns,
        lag(segment_num) over as_logged as previous_segment_num,
        lag(code) over as_logged as previous_code,
        case when lead(drive_id) over as_logged = drive_id then lead(mono_ns) over as_logged end
            as next_mono_ns,
        lead(segment_num) over as_logged as next_segment_num
    from (
        select
            drive_id,
            mono_ns,
            segment_num,
            message_num,
            enabled::int + (coalesce(2 + lat_active::int, 0) * 2) + coalesce(2 + long_active::int, 0) * 8 as code
        from log.car_control
    ) as coded
    window as_logged as (partition by drive_id order by mono_ns, segment_num, message_num)
),

samples as (
    from controls_states
    union all
    from selfdrive_states
    union all
    from car_controls
),

least_gaps as (
    select least(max_gap_ns, max_gap_qlog_ns, engagement_min_off_ns) as least_gap_ns
    from result.thresholds
),

-- Of samples that follow each other closely and say the same, none is an edge.
candidates as (
    select
        *,
        mono_ns - coalesce(nullif(previous_mono_ns, mono_ns), second_last_mono_ns) as step_ns
    from samples
    where
        coalesce(
            code <> previous_code
            or next_mono_ns - mono_ns > (select least_gap_ns from least_gaps)
            or mono_ns - previous_mono_ns > (select least_gap_ns from least_gaps)
            or previous_mono_ns = mono_ns
            or segment_num - previous_segment_num > 1
            or next_segment_num - segment_num > 1,
            true
        )
        and (next_mono_ns is null or next_mono_ns > mono_ns)
),

steps as (
    select
        candidates.* exclude (service),
        (candidates.service = 'carControl') as is_car_control,
        segments.is_qlog,
        segments.max_gap_ns,
        coalesce(
            holds_until(
                candidates.mono_ns,
                candidates.segment_num,
                candidates.next_mono_ns,
                candidates.next_segment_num,
                segments.max_gap_ns
            ),
            false
        ) as is_known,
        coalesce(
            holds_until(
                candidates.previous_mono_ns,
                candidates.previous_segment_num,
                candidates.mono_ns,
                candidates.segment_num,
                previous_segments.max_gap_ns
            ),
            false
        ) as follows
    from candidates
    inner join result.drive_facts as facts on candidates.drive_id = facts.drive_id
    inner join segments
        on
            candidates.drive_id = segments.drive_id
            and candidates.segment_num = segments.segment_num
    left join segments as previous_segments
        on
            candidates.drive_id = previous_segments.drive_id
            and candidates.previous_segment_num = previous_segments.segment_num
    where
        candidates.service = 'carControl'
        or (candidates.service = 'selfdriveState') = facts.has_selfdrive_state
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
