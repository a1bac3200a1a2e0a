-- Maximal runs of mode engaged or lateral_only, with the engagement that they are part of.
--
-- grain:   one row per (drive_id, start_mono_ns)
-- null:    never
-- why:     an off-run that is short and known does not end an engagement; what steers alone within
--          such an off-run is part of it. Where no switch for it is logged, steering alone also goes on
--          over a pause: while the car is slow or blinks, and shortly after. Steering alone for a moment is no run, as services
--          change some milliseconds apart
create or replace view compute.assisted_runs as
with

intervals as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        mode,
        lag(mode) over (partition by drive_id order by start_mono_ns) as previous_mode
    from result.state_intervals
),

grouped as (
    select
        *,
        sum((mode is distinct from previous_mode)::int) over (
            partition by drive_id order by start_mono_ns
            rows between unbounded preceding and current row
        ) as mode_num
    from intervals
),

modes as (
    select
        drive_id,
        any_value(mode) as mode,
        min(start_mono_ns) as start_mono_ns,
        max(end_mono_ns) as end_mono_ns
    from grouped
    group by drive_id, mode_num
),

engaged as (
    select
        drive_id,
        mode,
        start_mono_ns,
        end_mono_ns,
        max(case when mode = 'unknown' then end_mono_ns end) over before as unknown_until_ns,
        max(case when mode = 'engaged' then end_mono_ns end) over before as engaged_until_ns
    from modes
    window before as (
        partition by drive_id order by start_mono_ns
        rows between unbounded preceding and 1 preceding
    )
),

engaged_runs as (
    select
        drive_id,
        mode,
        start_mono_ns,
        end_mono_ns,
        coalesce(
            engaged_until_ns >= coalesce(unknown_until_ns, engaged_until_ns)
            and start_mono_ns - engaged_until_ns
            < (select engagement_min_off_ns from result.thresholds),
            false
        ) as is_continued,
        engaged_until_ns
    from engaged
    where mode = 'engaged'
),

bridged as (
    select drive_id, engaged_until_ns as start_mono_ns, start_mono_ns as end_mono_ns
    from engaged_runs
    where is_continued
),

alone as (
    select
        modes.drive_id,
        modes.start_mono_ns,
        modes.end_mono_ns,
        lag(modes.end_mono_ns) over by_time as off_mono_ns
    from modes
    left join bridged
        on
            modes.drive_id = bridged.drive_id
            and modes.start_mono_ns >= bridged.start_mono_ns
            and modes.end_mono_ns <= bridged.end_mono_ns
    where modes.mode = 'lateral_only' and bridged.drive_id is null
    window by_time as (partition by modes.drive_id order by modes.start_mono_ns)
),

pauses as (
    select
        alone.drive_id,
        alone.off_mono_ns,
        alone.start_mono_ns,
        bool_or(modes.mode in ('engaged', 'pre_enabled', 'unknown')) as is_interrupted
    from alone
    inner join modes
        on
            alone.drive_id = modes.drive_id
            and alone.off_mono_ns <= modes.start_mono_ns
            and alone.start_mono_ns > modes.start_mono_ns
    group by alone.drive_id, alone.off_mono_ns, alone.start_mono_ns
),

switches as (
    select drive_id, mono_ns, coalesce(available, true) as is_available
    from log.mads
),

unlogged as (
    select pauses.*
    from pauses
    asof left join switches
        on pauses.drive_id = switches.drive_id and pauses.off_mono_ns >= switches.mono_ns
    where not coalesce(switches.is_available, false)
),

waiting as (
    select distinct pauses.drive_id, pauses.start_mono_ns
    from unlogged as pauses
    inner join result.car_state_runs as runs
        on
            pauses.drive_id = runs.drive_id
            and pauses.off_mono_ns + (select cause_after_ns from result.thresholds)
            >= runs.start_mono_ns
            and pauses.start_mono_ns - (select pause_grace_ns from result.thresholds)
            <= runs.end_mono_ns
            and pauses.off_mono_ns < runs.end_mono_ns
    where runs.flag = 'pausing'
),

alone_runs as (
    select
        alone.drive_id,
        'lateral_only' as mode,
        alone.start_mono_ns,
        alone.end_mono_ns,
        coalesce(
            not pauses.is_interrupted
            and (
                alone.start_mono_ns - alone.off_mono_ns
                < (select engagement_min_off_ns from result.thresholds)
                or waiting.drive_id is not null
            ),
            false
        ) as is_continued
    from alone
    left join pauses
        on alone.drive_id = pauses.drive_id and alone.start_mono_ns = pauses.start_mono_ns
    left join waiting
        on alone.drive_id = waiting.drive_id and alone.start_mono_ns = waiting.start_mono_ns
),

alone_spans as (
    select
        *,
        sum((not is_continued)::int) over (
            partition by drive_id order by start_mono_ns
            rows between unbounded preceding and current row
        ) as span_num
    from alone_runs
),

alone_long as (
    select *
    from alone_spans
    window by_span as (partition by drive_id, span_num)
    qualify
        max(end_mono_ns) over by_span - min(start_mono_ns) over by_span
        >= (select engagement_min_off_ns from result.thresholds)
),

runs as (
    select drive_id, mode, start_mono_ns, end_mono_ns, is_continued from engaged_runs
    union all
    select drive_id, mode, start_mono_ns, end_mono_ns, is_continued from alone_long
),

final as (
    select
        drive_id,
        mode,
        sum((not is_continued)::int) over (
            partition by drive_id order by start_mono_ns
            rows between unbounded preceding and current row
        )::integer as engagement_num,
        start_mono_ns,
        end_mono_ns
    from runs
)

select * from final;
