-- How often each event happened in each part of a drive, by mode and speed band.
--
-- grain:   one row per (drive_id, part_num, mode, speed_band, event)
-- null:    never; an event that did not happen has no row
create or replace view compute.event_counts as
with

final as (
    select
        drive_id,
        part_num,
        mode,
        speed_band,
        event,
        count(*)::bigint as n_events
    from staging.counted_events
    group by drive_id, part_num, mode, speed_band, event
)

select * from final;
comment on column event_counts.drive_id is 'number of the drive in this database';
comment on column event_counts.dongle_id is 'the device';
comment on column event_counts.drive is 'name of the drive, its log id';
comment on column event_counts.part_num is 'number of the part of the drive, as in drive_parts; 0 where it is in none';
comment on column event_counts.mode is 'engaged or lateral_only, in which it happened; of saved moments any mode';
comment on column event_counts.speed_band is 'speed at the event: city, road, highway, or unknown where it was not sampled';
comment on column event_counts.event is '(unplanned_)intervention, disengagement, disengagement_counted, by driver_, system_ ..., overrides by axis, critical_event; moment:NAME';
comment on column event_counts.n_events is 'how often it happened';
