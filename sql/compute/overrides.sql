-- Driver input while engaged that goes on: steering, and accelerating without a disengagement.
--
-- grain:   one row per (drive_id, axis, start_mono_ns)
-- reads:   staging.pressed_runs, staging.override_event_runs, result.engaged_runs,
--          result.engagements, result.thresholds
-- null:    never
-- why:     the list of events is coarse, so where wheel or pedal tell of it they tell its length
create or replace view compute.overrides as
with

axes as (
    select
        drive_id,
        case input when 'steering' then 'lateral' else 'longitudinal' end as axis,
        start_mono_ns,
        end_mono_ns
    from staging.pressed_runs
    where input in ('steering', 'gas')
),

pressed as (
    select
        engaged.drive_id,
        engaged.engagement_num,
        runs.axis,
        runs.start_mono_ns as pressed_mono_ns,
        greatest(runs.start_mono_ns, engaged.start_mono_ns) as start_mono_ns,
        least(runs.end_mono_ns, engaged.end_mono_ns) as end_mono_ns
    from axes as runs
    inner join result.engaged_runs as engaged
        on
            runs.drive_id = engaged.drive_id
            and runs.start_mono_ns < engaged.end_mono_ns
            and runs.end_mono_ns > engaged.start_mono_ns
),

long_enough as (
    select *
    from pressed
    where end_mono_ns - start_mono_ns >= (select override_min_ns from result.thresholds)
),

disengaged as (
    select
        drive_id,
        engagement_num,
        'longitudinal' as axis,
        end_mono_ns,
        end_mono_ns - (select cause_before_ns from result.thresholds) as pressed_from_ns
    from result.engagements
    where end_kind = 'disengagement'
),

going_on as (
    select pressed.*
    from long_enough as pressed
    left join disengaged
        on
            pressed.drive_id = disengaged.drive_id
            and pressed.engagement_num = disengaged.engagement_num
            and pressed.axis = disengaged.axis
            and pressed.end_mono_ns = disengaged.end_mono_ns
            and pressed.pressed_mono_ns >= disengaged.pressed_from_ns
    where disengaged.drive_id is null
),

by_event as (
    select
        engaged.drive_id,
        engaged.engagement_num,
        runs.axis,
        greatest(runs.start_mono_ns, engaged.start_mono_ns) as start_mono_ns,
        least(runs.end_mono_ns, engaged.end_mono_ns) as end_mono_ns
    from staging.override_event_runs as runs
    inner join result.engaged_runs as engaged
        on
            runs.drive_id = engaged.drive_id
            and runs.start_mono_ns < engaged.end_mono_ns
            and runs.end_mono_ns > engaged.start_mono_ns
),

by_event_only as (
    select by_event.*
    from by_event
    left join long_enough as pressed
        on
            by_event.drive_id = pressed.drive_id
            and by_event.engagement_num = pressed.engagement_num
            and by_event.axis = pressed.axis
            and by_event.end_mono_ns >= pressed.start_mono_ns
            and by_event.start_mono_ns <= pressed.end_mono_ns
    where pressed.drive_id is null
),

inputs as (
    select drive_id, engagement_num, axis, start_mono_ns, end_mono_ns from going_on
    union all
    select drive_id, engagement_num, axis, start_mono_ns, end_mono_ns from by_event_only
),

inputs_in_order as (
    select
        *,
        max(end_mono_ns) over (
            partition by drive_id, axis, engagement_num order by start_mono_ns, end_mono_ns
            rows between unbounded preceding and 1 preceding
        ) as input_until_ns
    from inputs
),

numbered as (
    select
        drive_id,
        engagement_num,
        axis,
        start_mono_ns,
        end_mono_ns,
        sum(
            (
                input_until_ns is null
                or start_mono_ns - input_until_ns
                >= (select override_merge_ns from result.thresholds)
            )::int
        ) over (
            partition by drive_id, axis, engagement_num order by start_mono_ns, end_mono_ns
            rows between unbounded preceding and current row
        ) as run_num
    from inputs_in_order
),

final as (
    select
        drive_id,
        engagement_num,
        axis,
        min(start_mono_ns) as start_mono_ns,
        max(end_mono_ns) as end_mono_ns,
        (max(end_mono_ns) - min(start_mono_ns)) / 1e9 as duration_s
    from numbered
    group by drive_id, axis, engagement_num, run_num
)

select * from final;
