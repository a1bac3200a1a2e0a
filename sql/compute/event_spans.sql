-- Spans in which openpilot's list of events holds an event.
--
-- grain:   one row per (drive_id, name, start_mono_ns)
-- null:    unseen_from_ns where the list before is known
-- why:     newer logs have the full list; carState's own list, in older ones, is a part of it, kept
--          where it changes; a drive is read by one of them. A null name says that there was none.
--          A list holds until the next one, which comes on a change and about once a second; a span
--          begins where the list before does not hold the event, or there is none within the gap: then
--          it may have begun at any time since unseen_from_ns, 0 at the start of the log
create or replace view compute.event_spans as
with

drive_events as (
    select car_event.*, (car_event.source = 'carState') as is_on_change
    from log.car_event
    inner join result.drive_facts as facts
        on car_event.drive_id = facts.drive_id and car_event.source = facts.event_source
),

messages as (
    select
        drive_id,
        mono_ns,
        segment_num,
        message_num,
        is_on_change,
        row_number() over by_time as list_num,
        lead(mono_ns) over by_time as next_mono_ns,
        lead(segment_num) over by_time as next_segment_num
    from (
        select distinct drive_id, segment_num, message_num, mono_ns, is_on_change
        from drive_events
    ) as lists
    window by_time as (partition by drive_id order by mono_ns, segment_num, message_num)
),

followed as (
    select
        *,
        coalesce(
            (
                is_on_change
                or next_mono_ns - mono_ns <= (select event_max_gap_ns from result.thresholds)
            )
            and next_segment_num - segment_num <= 1,
            false
        ) as is_followed
    from messages
),

lists as (
    select
        *,
        coalesce(lag(is_followed) over by_number, false) as follows,
        coalesce(lag(mono_ns) over by_number, 0) as previous_mono_ns
    from followed
    window by_number as (partition by drive_id order by list_num)
),

named as (
    select
        lists.drive_id,
        events.name,
        lists.list_num,
        any_value(lists.mono_ns) as mono_ns,
        any_value(lists.is_followed) as is_followed,
        any_value(lists.next_mono_ns) as next_mono_ns,
        any_value(case when not lists.follows then lists.previous_mono_ns end) as unseen_from_ns,
        coalesce(bool_or(events.enable), false) as enable,
        coalesce(bool_or(events.user_disable), false) as user_disable,
        coalesce(bool_or(events.soft_disable), false) as soft_disable,
        coalesce(bool_or(events.immediate_disable), false) as immediate_disable,
        coalesce(bool_or(events.override_lateral), false) as override_lateral,
        coalesce(bool_or(events.override_longitudinal), false) as override_longitudinal
    from lists
    inner join drive_events as events
        on
            lists.drive_id = events.drive_id
            and lists.segment_num = events.segment_num
            and lists.message_num = events.message_num
    where events.name is not null
    group by lists.drive_id, events.name, lists.list_num
),

steps as (
    select
        *,
        (
            lag(list_num) over by_time is distinct from list_num - 1
            or not lag(is_followed) over by_time
        ) as is_start
    from named
    window by_time as (partition by drive_id, name order by list_num)
),

numbered as (
    select
        *,
        sum(is_start::int) over (
            partition by drive_id, name order by list_num
            rows between unbounded preceding and current row
        ) as span_num
    from steps
),

final as (
    select
        drive_id,
        name,
        min(mono_ns) as start_mono_ns,
        max(case when is_followed then next_mono_ns else mono_ns end) as end_mono_ns,
        bool_or(enable) as enable,
        bool_or(user_disable) as user_disable,
        bool_or(soft_disable) as soft_disable,
        bool_or(immediate_disable) as immediate_disable,
        bool_or(override_lateral) as override_lateral,
        bool_or(override_longitudinal) as override_longitudinal,
        min(case when is_start then unseen_from_ns end) as unseen_from_ns
    from numbered
    group by drive_id, name, span_num
)

select * from final;
