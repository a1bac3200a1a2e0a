-- Moments in which the driver takes over while openpilot assists.
--
-- grain:   one row per (drive_id, intervention_num)
-- null:    is_planned where nothing tells; cause where the engagement goes on
-- why:     it is timed at its first input, and planned only if each of them is
create or replace view compute.interventions as
with

judged as (
    select inputs.*, events.is_planned, events.is_critical
    from result.intervention_inputs as inputs
    inner join result.events as events
        on
            inputs.drive_id = events.drive_id
            and inputs.kind = events.kind
            and inputs.event_mono_ns = events.mono_ns
),

final as (
    select
        drive_id,
        intervention_num,
        arg_min(engagement_num, (start_mono_ns, end_mono_ns, kind)) as engagement_num,
        arg_min(mode, (start_mono_ns, end_mono_ns, kind)) as mode,
        min(start_mono_ns) as mono_ns,
        max(end_mono_ns) as end_mono_ns,
        list_sort(list_distinct(flatten(list(inputs)))) as inputs,
        bool_or(kind = 'disengagement') as ends_engagement,
        arg_min(cause, end_mono_ns) filter (where cause is not null) as cause,
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
