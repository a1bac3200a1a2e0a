-- Moments in which the driver takes over while openpilot assists.
--
-- grain:   one row per (drive_id, intervention_num)
-- reads:   result.overrides, result.disengagements, result.engagements, result.events,
--          result.thresholds
-- null:    is_planned where nothing tells; cause where the engagement goes on
-- why:     inputs of one stretch of assistance that touch, or follow each other soon, are one
--          moment, timed at the first; it is planned only if each of them is
create or replace view compute.interventions as
with

inputs as (
    select
        drive_id,
        engagement_num,
        axis || '_override' as kind,
        start_mono_ns as event_mono_ns,
        start_mono_ns,
        end_mono_ns,
        [case axis when 'lateral' then 'steer' else 'gas' end] as inputs,
        null::varchar as cause
    from result.overrides
    where is_intervention
    union all
    select
        drive_id,
        engagement_num,
        'disengagement' as kind,
        mono_ns as event_mono_ns,
        press_mono_ns as start_mono_ns,
        mono_ns as end_mono_ns,
        inputs,
        cause
    from result.disengagements
    where is_intervention
),

assisted as (
    select inputs.*, engagements.mode, engagements.assisted_num
    from inputs
    inner join result.engagements as engagements
        on
            inputs.drive_id = engagements.drive_id
            and inputs.engagement_num = engagements.engagement_num
),

in_order as (
    select
        *,
        max(end_mono_ns) over (
            partition by drive_id, assisted_num order by start_mono_ns, end_mono_ns, kind
            rows between unbounded preceding and 1 preceding
        ) as until_mono_ns
    from assisted
),

numbered as (
    select
        *,
        sum(
            (
                until_mono_ns is null
                or start_mono_ns - until_mono_ns
                > (select intervention_merge_ns from result.thresholds)
            )::int
        ) over (
            partition by drive_id order by assisted_num, start_mono_ns, end_mono_ns, kind
            rows between unbounded preceding and current row
        ) as intervention_num
    from in_order
),

judged as (
    select numbered.*, events.is_planned, events.is_critical
    from numbered
    inner join result.events as events
        on
            numbered.drive_id = events.drive_id
            and numbered.kind = events.kind
            and numbered.event_mono_ns = events.mono_ns
),

final as (
    select
        drive_id,
        intervention_num::integer as intervention_num,
        arg_min(engagement_num, (start_mono_ns, end_mono_ns, kind)) as engagement_num,
        arg_min(mode, (start_mono_ns, end_mono_ns, kind)) as mode,
        min(start_mono_ns) as mono_ns,
        max(end_mono_ns) as end_mono_ns,
        list_sort(list_distinct(flatten(list(inputs)))) as inputs,
        bool_or(kind = 'disengagement') as ends_engagement,
        max(cause) as cause,
        case
            when bool_or(not is_planned) then false
            when count(is_planned) = count(*) then true
        end as is_planned,
        bool_or(is_critical) as is_critical,
        arg_min(kind, (start_mono_ns, end_mono_ns, kind)) as event_kind,
        arg_min(event_mono_ns, (start_mono_ns, end_mono_ns, kind)) as event_mono_ns
    from judged
    group by drive_id, intervention_num
)

select * from final;
