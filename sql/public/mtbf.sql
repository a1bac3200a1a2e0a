-- Engaged hours per failure of the system in groups of drives: mean time between failures.
--
-- grain:   one row per (grouped_by, group_name, event)
-- null:    mtbf_h and mtbf_upper_h without failures; all but the counts without engaged time
-- why:     the interval is that of a Poisson count, turned over, which is a Gamma's: the lower
--          limit stands where nothing failed
create or replace view mtbf as
with

failures as (
    select
        drive_groups.grouped_by,
        drive_groups.group_name,
        unnest([ends.cause_event, 'any']) as event
    from drive_groups
    inner join result.disengagements as ends on drive_groups.drive_id = ends.drive_id
    where ends.mode = 'engaged' and ends.cause in ('system_immediate', 'system_soft')
),

kinds as (
    select 'any' as event
    union
    select event from failures
),

exposures as (
    select
        grouped_by,
        group_name,
        count(*) filter (where log_kind <> 'rlog') as n_qlog_drives,
        coalesce(fsum(engaged_s), 0) / 3600 as engaged_h
    from drive_groups
    group by grouped_by, group_name
),

counts as (
    select
        grouped_by,
        group_name,
        event,
        count(*) as n_failures
    from failures
    group by grouped_by, group_name, event
),

counted as (
    select
        exposures.grouped_by,
        exposures.group_name,
        kinds.event,
        exposures.n_qlog_drives,
        coalesce(counts.n_failures, 0) as n_failures,
        exposures.engaged_h
    from exposures
    cross join kinds
    left join counts
        on
            exposures.grouped_by = counts.grouped_by
            and exposures.group_name = counts.group_name
            and kinds.event = counts.event
),

final as (
    select
        grouped_by,
        group_name,
        event,
        n_qlog_drives,
        n_failures::bigint as n_failures,
        engaged_h,
        nullif(engaged_h, 0) / nullif(n_failures, 0) as mtbf_h,
        nullif(engaged_h, 0) / poisson_upper(n_failures) as mtbf_lower_h,
        nullif(engaged_h, 0) / nullif(poisson_lower(n_failures), 0) as mtbf_upper_h
    from counted
)

select * from final;
comment on column mtbf.grouped_by is 'all, device, car, version, branch, commit, fork or month';
comment on column mtbf.group_name is 'which group of these; unknown where the logs don''t say';
comment on column mtbf.event is 'the event that disabled openpilot, or any; every group has a row of each that happened anywhere';
comment on column mtbf.n_qlog_drives is 'drives read from qlogs, all or in part, which are coarser';
comment on column mtbf.n_failures is 'disengagements by the system (system_immediate, system_soft) with this event';
comment on column mtbf.engaged_h is 'time engaged';
comment on column mtbf.mtbf_h is 'engaged_h / n_failures; null without failures or engaged time';
comment on column mtbf.mtbf_lower_h is 'lower limit of its 95 % interval; null without engaged time';
comment on column mtbf.mtbf_upper_h is 'upper limit of its 95 % interval; null without failures or engaged time';
