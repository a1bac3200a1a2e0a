-- Maximal runs of mode engaged, whatever else changes in them, with the engagement they are part of.
--
-- grain:   one row per (drive_id, start_mono_ns)
-- reads:   result.state_intervals, result.thresholds
-- null:    never
-- why:     an off-run that is short and known does not end an engagement
create or replace view compute.engaged_runs as
with

intervals as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        mode,
        lag(mode) over by_time as previous_mode,
        max(case when mode = 'unknown' then end_mono_ns end) over before as unknown_until_ns,
        max(case when mode = 'engaged' then end_mono_ns end) over before as engaged_until_ns
    from result.state_intervals
    window
        by_time as (partition by drive_id order by start_mono_ns),
        before as (
            partition by drive_id order by start_mono_ns
            rows between unbounded preceding and 1 preceding
        )
),

engaged as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        (previous_mode is distinct from 'engaged') as is_run_start,
        not coalesce(
            engaged_until_ns >= coalesce(unknown_until_ns, engaged_until_ns)
            and start_mono_ns - engaged_until_ns
            < (select engagement_min_off_ns from result.thresholds),
            false
        ) as is_engagement_start
    from intervals
    where mode = 'engaged'
),

numbered as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        sum(is_run_start::int) over so_far as run_num,
        sum(is_engagement_start::int) over so_far as engagement_num
    from engaged
    window so_far as (
        partition by drive_id order by start_mono_ns
        rows between unbounded preceding and current row
    )
),

final as (
    select
        drive_id,
        max(engagement_num)::integer as engagement_num,
        min(start_mono_ns) as start_mono_ns,
        max(end_mono_ns) as end_mono_ns
    from numbered
    group by drive_id, run_num
)

select * from final;
