-- What each event is counted as, and at what speed.
--
-- grain:   one row per (drive_id, kind, mono_ns, event)
-- reads:   result.events, result.thresholds
-- null:    never
-- why:     one moment may be several events: a counted disengagement is a disengagement too
create or replace view staging.counted_events as
with

moments as (
    select
        drive_id,
        kind,
        mono_ns,
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

listed as (
    select
        drive_id,
        kind,
        mono_ns,
        speed_band,
        unnest(
            [
                case when is_intervention then 'intervention' end,
                kind,
                case when is_counted then 'disengagement_counted' end,
                case
                    when is_counted and starts_with(cause, 'driver_') then 'driver_disengagement'
                    when is_counted and starts_with(cause, 'system_') then 'system_disengagement'
                    when is_counted and cause = 'car_cruise' then 'car_disengagement'
                    when is_counted and cause = 'unknown' then 'unknown_disengagement'
                end,
                case when is_critical then 'critical_event' end
            ]
        ) as event
    from moments
),

final as (
    select
        drive_id,
        kind,
        mono_ns,
        speed_band,
        event
    from listed
    where event is not null
)

select * from final;
