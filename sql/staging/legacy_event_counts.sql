-- How often the old system counted its events in each drive, or would have.
--
-- grain:   one row per (drive_id, event)
-- null:    never: where it could not count, there is no row
-- why:     zeros that say that nothing was looked at are left out: of steering before 2025-07-07,
--          which the old system did not count, and of drives without the torques that it counted by
create or replace view staging.legacy_event_counts as
with

entries as (
    select
        drive_id,
        coalesce(try_cast(entry ->> 'schema_version' as integer) >= 3, false) as is_newer,
        entry_disengagements(entry) as n_disengagements,
        try_cast(entry ->> 'steer_intervention_count' as bigint) as n_steer_interventions,
        entry ->> 'recorded_at' as recorded_at
    from staging.imported_drives
),

steered as (
    select drive_id
    from log.can_source
    where signal_key in ('steering_driver_torque', 'steering_motor_torque') and n_samples > 0
    group by drive_id
    having count(distinct signal_key) = 2
),

told as (
    select
        drive_id,
        n_disengagements,
        case when is_newer or recorded_at >= '2025-07-07' then n_steer_interventions end
            as n_steer_interventions
    from entries
    union all
    select
        drives.drive_id,
        drives.intervention_count as n_disengagements,
        case
            when drives.recorded_at >= '2025-07-07' and steered.drive_id is not null
                then drives.steer_intervention_count
        end as n_steer_interventions
    from result.legacy_drives as drives
    left join steered on drives.drive_id = steered.drive_id
    where exists (select 1 from store.imported_drive)
),

listed as (
    select
        drive_id,
        unnest(['legacy_disengagement', 'legacy_steer_intervention']) as event,
        unnest([n_disengagements, n_steer_interventions]) as n_events
    from told
),

final as (
    select drive_id, event, n_events
    from listed
    where n_events >= 0
)

select * from final;
