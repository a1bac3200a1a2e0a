-- Presses of wheel and accelerator, each as the source that knows its length best tells it.
--
-- grain:   one row per (drive_id, input, start_mono_ns)
-- null:    unseen_from_ns where it is known when it began
-- why:     in qlogs of a drive whose events tell of overrides, carState's presses give way to them. What
--          two sources tell of is one press; so is what is pressed before and after a silence, unless
--          events tell what was in it. One that was on already when the source was first heard may
--          have begun at any time since unseen_from_ns
create or replace view staging.presses as
with

sampled as (
    select drive_id, flag as input, start_mono_ns, end_mono_ns, unseen_from_ns, is_continued
    from result.car_state_runs
    where flag in ('steering', 'gas')
),

told as (
    select
        drive_id,
        bool_or(override_lateral) as has_lateral,
        bool_or(override_longitudinal) as has_longitudinal
    from result.event_spans
    group by drive_id
),

in_segments as (
    select
        sampled.drive_id,
        sampled.input,
        sampled.start_mono_ns,
        sampled.end_mono_ns,
        sampled.unseen_from_ns,
        sampled.is_continued,
        starts.segment_num
    from sampled
    asof left join result.segment_starts as starts
        on sampled.drive_id = starts.drive_id and sampled.start_mono_ns >= starts.start_mono_ns
),

in_logs as (
    select
        in_segments.*,
        coalesce(segment.log_kind = 'qlog', false) as is_qlog,
        coalesce(
            case in_segments.input
                when 'steering' then told.has_lateral else told.has_longitudinal
            end,
            false
        ) as is_told
    from in_segments
    left join told on in_segments.drive_id = told.drive_id
    left join log.segment as segment
        on
            in_segments.drive_id = segment.drive_id
            and in_segments.segment_num = segment.segment_num
),

presses as (
    select
        drive_id,
        input,
        start_mono_ns,
        end_mono_ns,
        unseen_from_ns,
        (is_continued and not is_told) as is_continued
    from in_logs
    where not (is_qlog and is_told)
    union all
    select drive_id, input, start_mono_ns, end_mono_ns, unseen_from_ns, false as is_continued
    from staging.coarse_presses
),

in_order as (
    select
        *,
        max(end_mono_ns) over (
            partition by drive_id, input order by start_mono_ns, not is_continued, end_mono_ns
            rows between unbounded preceding and 1 preceding
        ) as until_mono_ns
    from presses
),

numbered as (
    select
        *,
        sum((not is_continued and coalesce(start_mono_ns > until_mono_ns, true))::int) over (
            partition by drive_id, input order by start_mono_ns, not is_continued, end_mono_ns
            rows between unbounded preceding and current row
        ) as press_num
    from in_order
),

final as (
    select
        drive_id,
        input,
        min(start_mono_ns) as start_mono_ns,
        max(end_mono_ns) as end_mono_ns,
        arg_min_null(
            unseen_from_ns, (start_mono_ns, unseen_from_ns is not null, unseen_from_ns)
        ) as unseen_from_ns
    from numbered
    group by drive_id, input, press_num
)

select * from final;
