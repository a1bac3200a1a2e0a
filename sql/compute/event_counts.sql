-- How often each event happened in a drive, by speed band.
--
-- grain:   one row per (drive_id, speed_band, event)
-- reads:   result.events, result.thresholds
-- null:    never; an event that did not happen has no row
-- why:     one moment may be several events: a counted disengagement is a disengagement too
create or replace view compute.event_counts as
with

moments as (
    select
        drive_id,
        kind,
        cause,
        case
            when speed_mps is null then 'unknown'
            when speed_mps < (select city_max_mps from result.thresholds) then 'city'
            when speed_mps < (select road_max_mps from result.thresholds) then 'road'
            else 'highway'
        end as speed_band,
        (kind = 'disengagement' and is_counted) as is_counted,
        is_intervention,
        is_critical
    from result.events
    where (cause is distinct from 'end_of_drive')
),

counts as (
    select
        drive_id,
        speed_band,
        count(*) filter (where is_intervention) as n_interventions,
        count(*) filter (where kind = 'disengagement') as n_disengagements,
        count(*) filter (where is_counted) as n_counted,
        count(*) filter (where is_counted and starts_with(cause, 'driver_')) as n_by_driver,
        count(*) filter (where is_counted and starts_with(cause, 'system_')) as n_by_system,
        count(*) filter (where is_counted and cause = 'car_cruise') as n_by_car,
        count(*) filter (where is_counted and cause = 'unknown') as n_unknown,
        count(*) filter (where kind = 'lateral_override') as n_lateral_overrides,
        count(*) filter (where kind = 'longitudinal_override') as n_longitudinal_overrides,
        count(*) filter (where is_critical) as n_critical
    from moments
    group by drive_id, speed_band
),

listed as (
    select
        drive_id,
        speed_band,
        unnest(
            [
                'intervention', 'disengagement', 'disengagement_counted', 'driver_disengagement',
                'system_disengagement', 'car_disengagement', 'unknown_disengagement',
                'lateral_override', 'longitudinal_override', 'critical_event'
            ]
        ) as event,
        unnest(
            [
                n_interventions, n_disengagements, n_counted, n_by_driver,
                n_by_system, n_by_car, n_unknown,
                n_lateral_overrides, n_longitudinal_overrides, n_critical
            ]
        ) as n_events
    from counts
),

final as (
    select drive_id, speed_band, event, n_events::bigint as n_events
    from listed
    where n_events > 0
)

select * from final;
