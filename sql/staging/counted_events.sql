-- What each event is counted as, in which mode and part of the drive, and at what speed.
--
-- grain:   one row per (drive_id, kind, mono_ns, event)
-- null:    never
-- why:     one moment may be several events: a counted disengagement is a disengagement too. An
--          intervention is one event however many inputs it has; it stands at the event of its first.
--          What is no taking over for a reason of its own, as a nudge, is no critical event either
create or replace view staging.counted_events as
with

moments as (
    select
        events.drive_id,
        events.kind,
        events.mono_ns,
        events.mode,
        coalesce(parts.part_num, 0) as part_num,
        speed_band(events.speed_mps) as speed_band,
        causes.who,
        coalesce(events.is_counted, false) as is_counted,
        (events.is_critical and events.exempt_by is null) as is_critical,
        interventions.mode as intervention_mode,
        interventions.is_planned
    from result.events as events
    left join staging.causes as causes on events.cause = causes.cause
    left join result.interventions as interventions
        on
            events.drive_id = interventions.drive_id
            and events.kind = interventions.event_kind
            and events.mono_ns = interventions.event_mono_ns
    left join result.moment_parts as parts
        on events.drive_id = parts.drive_id and events.mono_ns = parts.mono_ns
    where events.cause is distinct from 'end_of_drive'
),

listed as (
    select
        drive_id,
        kind,
        mono_ns,
        mode,
        part_num,
        speed_band,
        unnest(
            [
                case when intervention_mode is not null then 'intervention' end,
                case
                    when intervention_mode is not null and (is_planned is distinct from true)
                        then 'unplanned_intervention'
                end,
                kind,
                case when is_counted then 'disengagement_counted' end,
                case when is_counted then who || '_disengagement' end,
                case when is_critical then 'critical_event' end
            ]
        ) as event
    from moments
),

final as (
    select * from listed where event is not null
)

select * from final;
