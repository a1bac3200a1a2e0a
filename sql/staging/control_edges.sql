-- Moments from which on enabled and active may have other values.
--
-- grain:   one row per (drive_id, mono_ns)
-- null:    never
-- why:     is_known is false from a sample that nothing follows within the gap. Before 2021-07 qlogs
--          have one sample a second, but every list of events: a change between two samples is moved
--          to the first event between them that makes it. uncertainty_ns is the time in which a
--          change must lie
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

samples as (
    select
        samples.drive_id,
        samples.mono_ns,
        samples.segment_num,
        samples.enabled,
        samples.active,
        segments.is_qlog,
        segments.max_gap_ns,
        lag(segments.max_gap_ns) over by_time as previous_max_gap_ns,
        lag(samples.mono_ns) over by_time as previous_mono_ns,
        lag(samples.mono_ns, 2) over by_time as second_last_mono_ns,
        lag(samples.segment_num) over by_time as previous_segment_num,
        lag(samples.enabled) over by_time as previous_enabled,
        lag(samples.active) over by_time as previous_active,
        lead(samples.mono_ns) over by_time as next_mono_ns,
        lead(samples.segment_num) over by_time as next_segment_num
    from staging.control_samples as samples
    inner join segments
        on samples.drive_id = segments.drive_id and samples.segment_num = segments.segment_num
    window by_time as (
        partition by samples.drive_id
        order by samples.mono_ns, samples.segment_num, samples.message_num
    )
),

steps as (
    select
        drive_id,
        mono_ns,
        previous_mono_ns,
        mono_ns - coalesce(nullif(previous_mono_ns, mono_ns), second_last_mono_ns) as step_ns,
        max_gap_ns,
        enabled,
        active,
        previous_active,
        is_qlog,
        coalesce(
            holds_until(mono_ns, segment_num, next_mono_ns, next_segment_num, max_gap_ns), false
        ) as is_known,
        coalesce(
            holds_until(
                previous_mono_ns, previous_segment_num, mono_ns, segment_num, previous_max_gap_ns
            ),
            false
        ) as follows,
        (enabled = previous_enabled and active = previous_active) as is_same_state
    from samples
    where next_mono_ns is null or next_mono_ns > mono_ns
),

edges as (
    select *
    from steps
    where not is_known or not follows or not is_same_state
),

moved as (
    select
        edges.drive_id,
        edges.mono_ns,
        min(spans.start_mono_ns) as event_mono_ns
    from edges
    inner join result.event_spans as spans
        on
            edges.drive_id = spans.drive_id
            and edges.previous_mono_ns < spans.start_mono_ns
            and edges.mono_ns >= spans.start_mono_ns
    where
        edges.is_qlog
        and edges.follows
        and edges.active <> edges.previous_active
        and case
            when edges.active then spans.enable
            else spans.user_disable or spans.immediate_disable
        end
    group by edges.drive_id, edges.mono_ns
),

final as (
    select
        edges.drive_id,
        coalesce(moved.event_mono_ns, edges.mono_ns) as mono_ns,
        edges.is_known,
        edges.enabled,
        edges.active,
        case
            when moved.event_mono_ns is not null then 0
            when edges.step_ns <= edges.max_gap_ns then edges.step_ns
            else 0
        end as uncertainty_ns
    from edges
    left join moved on edges.drive_id = moved.drive_id and edges.mono_ns = moved.mono_ns
)

select * from final;
