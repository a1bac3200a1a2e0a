-- Runs of an event that says the driver overrides.
--
-- grain:   one row per (drive_id, axis, start_mono_ns)
-- reads:   staging.drive_events, result.thresholds
-- null:    never
-- why:     a list of events holds until the next list, which comes about once a second
create or replace view staging.override_event_runs as
with

lists as (
    select
        drive_id,
        segment_num,
        message_num,
        mono_ns,
        bool_or(override_lateral) as is_lateral,
        bool_or(override_longitudinal) as is_longitudinal
    from staging.drive_events
    group by drive_id, segment_num, message_num, mono_ns
),

steps as (
    select
        *,
        lead(mono_ns) over by_time as next_mono_ns,
        lead(segment_num) over by_time as next_segment_num
    from lists
    window by_time as (partition by drive_id order by mono_ns, segment_num, message_num)
),

spans as (
    select
        drive_id,
        mono_ns as start_mono_ns,
        next_mono_ns as end_mono_ns,
        is_lateral,
        is_longitudinal
    from steps
    where
        (is_lateral or is_longitudinal)
        and next_mono_ns > mono_ns
        and next_mono_ns - mono_ns <= (select event_max_gap_ns from result.thresholds)
        and next_segment_num - segment_num <= 1
),

by_axis as (
    select drive_id, 'lateral' as axis, start_mono_ns, end_mono_ns from spans where is_lateral
    union all
    select drive_id, 'longitudinal' as axis, start_mono_ns, end_mono_ns
    from spans
    where is_longitudinal
),

pieces as (
    select
        *,
        (
            start_mono_ns is distinct from lag(end_mono_ns) over (
                partition by drive_id, axis order by start_mono_ns
            )
        )::int as is_run_start
    from by_axis
),

numbered as (
    select
        *,
        sum(is_run_start) over (
            partition by drive_id, axis order by start_mono_ns
            rows between unbounded preceding and current row
        ) as run_num
    from pieces
),

final as (
    select
        drive_id,
        axis,
        min(start_mono_ns) as start_mono_ns,
        max(end_mono_ns) as end_mono_ns
    from numbered
    group by drive_id, axis, run_num
)

select * from final;
