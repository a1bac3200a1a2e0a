-- Stretches of time in which a driver may override: steering, or speed.
--
-- grain:   one row per (drive_id, axis, stretch_num)
-- null:    never
-- why:     engagements of one run of assistance with hardly any off between are one stretch; speed is
--          overridden while engaged, and steering wherever openpilot steers
create or replace view compute.override_stretches as
with

switches as (
    select
        drive_id,
        mono_ns,
        (
            coalesce(available, true)
            and not coalesce(enabled and (state is distinct from 'paused'), false)
        ) as is_off
    from log.mads
),

assisted as (
    select
        intervals.drive_id,
        intervals.start_mono_ns,
        intervals.end_mono_ns,
        coalesce(intervals.lateral_active, true) as is_steering,
        engagements.engagement_num,
        engagements.assisted_num,
        engagements.mode
    from result.state_intervals as intervals
    asof inner join result.engagements as engagements
        on
            intervals.drive_id = engagements.drive_id
            and intervals.start_mono_ns >= engagements.start_mono_ns
    where
        intervals.start_mono_ns < engagements.end_mono_ns
        and intervals.mode = engagements.mode
        and (intervals.mode = 'engaged' or coalesce(intervals.lateral_active, true))
),

-- MADS is switched off while engaged: the driver steers. Services change some milliseconds apart,
-- so either end may tell.
by_hand as (
    select assisted.drive_id, assisted.start_mono_ns
    from assisted
    asof left join switches as at_start
        on assisted.drive_id = at_start.drive_id and assisted.start_mono_ns >= at_start.mono_ns
    asof left join switches as at_end
        on assisted.drive_id = at_end.drive_id and assisted.end_mono_ns > at_end.mono_ns
    where not assisted.is_steering and (at_start.is_off or at_end.is_off)
),

axes as (
    select assisted.*, 'lateral' as axis, assisted.assisted_num as run_num
    from assisted
    anti join by_hand
        on
            assisted.drive_id = by_hand.drive_id
            and assisted.start_mono_ns = by_hand.start_mono_ns
    union all
    select *, 'longitudinal' as axis, engagement_num as run_num
    from assisted
    where mode = 'engaged'
),

joined as (
    select
        *,
        coalesce(
            start_mono_ns - lag(end_mono_ns) over (
                partition by drive_id, axis, run_num order by start_mono_ns
            ) < (select engagement_min_off_ns from result.thresholds),
            false
        ) as is_continued
    from axes
),

stretch_nums as (
    select
        *,
        sum((not is_continued)::int) over (
            partition by drive_id, axis order by start_mono_ns
            rows between unbounded preceding and current row
        )::integer as stretch_num
    from joined
),

final as (
    select
        drive_id,
        axis,
        stretch_num,
        any_value(run_num) as run_num,
        min(start_mono_ns) as start_mono_ns,
        max(end_mono_ns) as end_mono_ns
    from stretch_nums
    group by drive_id, axis, stretch_num
)

select * from final;
