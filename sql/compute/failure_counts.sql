-- How often the system failed in each part of a drive, by the event that disabled it.
--
-- grain:   one row per (drive_id, part_num, event)
-- null:    never; an event that did not happen has no row
create or replace view compute.failure_counts as
with

failures as (
    select
        ends.drive_id,
        coalesce(parts.part_num, 0) as part_num,
        unnest([ends.cause_event, 'any']) as event
    from result.end_causes as ends
    left join result.moment_parts as parts
        on ends.drive_id = parts.drive_id and ends.mono_ns = parts.mono_ns
    where ends.mode = 'engaged' and ends.cause in ('system_immediate', 'system_soft')
),

final as (
    select drive_id, part_num, event, count(*)::bigint as n_failures
    from failures
    where event is not null
    group by drive_id, part_num, event
)

select * from final;
comment on column failure_counts.drive_id is 'number of the drive in this database';
comment on column failure_counts.dongle_id is 'the device';
comment on column failure_counts.drive is 'name of the drive, its log id';
comment on column failure_counts.part_num is 'number of the part of the drive, as in drive_parts; 0 where it is in none';
comment on column failure_counts.event is 'the event that disabled openpilot, or any';
comment on column failure_counts.n_failures is 'disengagements by the system (system_immediate, system_soft) with this event, while engaged';
