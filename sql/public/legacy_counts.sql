-- What the old system counted in each drive, or would have counted.
--
-- grain:   one row per (drive_id, event)
-- null:    never: where it could not count, there is no row
-- why:     its definitions are others than ours, so its counts are events of their own; only where an
--          old file was imported is there anything to compare with
create or replace view legacy_counts as
with

final as (
    select drive_id, event, n_events
    from staging.legacy_event_counts
)

select * from final;
comment on column legacy_counts.drive_id is 'number of the drive in this database';
comment on column legacy_counts.event is 'legacy_disengagement (becoming active again) or legacy_steer_intervention (torques part): of whole drives, in mode engaged';
comment on column legacy_counts.n_events is 'how often the old system counted it, or would have';
