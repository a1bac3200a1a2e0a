-- How often each event happened in a drive in each mode, at any speed and at each.
--
-- grain:   one row per (drive_id, speed_band, mode, event)
-- null:    never; an event that did not happen has no row
-- why:     failures are of mode engaged, and at no speed
create or replace view staging.drive_counts as
with

banded as (
    select
        drive_id,
        unnest([speed_band, 'any', speed_band, 'any']) as speed_band,
        unnest([mode, mode, 'assisted', 'assisted']) as mode,
        event,
        n_events
    from main.event_counts
),

final as (
    select
        drive_id,
        speed_band,
        mode,
        event,
        sum(n_events)::double as n_events
    from banded
    group by drive_id, speed_band, mode, event
    union all
    select
        drive_id,
        'any' as speed_band,
        'engaged' as mode,
        event || '_failure' as event,
        n_failures::double as n_events
    from main.failure_counts
)

select * from final;
