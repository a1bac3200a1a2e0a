-- How often the system failed in a drive, by the event that disabled it.
--
-- grain:   one row per (drive_id, event)
-- null:    never; an event that did not happen has no row
create or replace view compute.failure_counts as
with

failures as (
    select drive_id, unnest([cause_event, 'any']) as event
    from result.end_causes
    where mode = 'engaged' and cause in ('system_immediate', 'system_soft')
),

final as (
    select drive_id, event, count(*)::bigint as n_failures
    from failures
    where event is not null
    group by drive_id, event
)

select * from final;
comment on column failure_counts.drive_id is 'number of the drive in this database';
comment on column failure_counts.dongle_id is 'the device';
comment on column failure_counts.drive is 'name of the drive, its log id';
comment on column failure_counts.event is 'the event that disabled openpilot, or any';
comment on column failure_counts.n_failures is 'disengagements by the system (system_immediate, system_soft) with this event, while engaged';
