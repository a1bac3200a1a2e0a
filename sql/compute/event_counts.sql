-- How often each event happened in a drive, by mode and speed band.
--
-- grain:   one row per (drive_id, mode, speed_band, event)
-- reads:   staging.counted_events
-- null:    never; an event that did not happen has no row
create or replace view compute.event_counts as
with

final as (
    select
        drive_id,
        mode,
        speed_band,
        event,
        count(*)::bigint as n_events
    from staging.counted_events
    group by drive_id, mode, speed_band, event
)

select * from final;
