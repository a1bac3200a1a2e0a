-- Engaged hours per failure of the system in groups of drives: mean time between failures.
--
-- grain:   one row per (grouped_by, group_name, event)
-- null:    mtbf_h and mtbf_upper_h without failures; all but the counts without engaged time
-- why:     the interval is that of the rate, turned over: the lower limit stands where nothing failed
create or replace view mtbf as
with

final as (
    select
        grouped_by,
        group_name,
        regexp_replace(event, '_failure$', '') as event,
        n_qlog_drives,
        n_events::bigint as n_failures,
        exposure as engaged_h,
        nullif(exposure, 0) / nullif(n_events, 0) as mtbf_h,
        1 / rate_upper as mtbf_lower_h,
        1 / nullif(rate_lower, 0) as mtbf_upper_h,
        dispersion,
        dispersion_source
    from staging.group_rates
    where
        mode = 'engaged'
        and unit = 'hour'
        and is_failure(event)
        and not contains(grouped_by, 'speed_band')
)

select * from final;
comment on column mtbf.grouped_by is '{groupings} (speed_band aside), or two of them that were asked for';
comment on column mtbf.group_name is 'which group of these; unknown where the logs don''t say';
comment on column mtbf.event is 'the event that disabled openpilot, or any; every group has a row of each that happened anywhere';
comment on column mtbf.n_qlog_drives is 'drives read from qlogs, all or in part, which are coarser';
comment on column mtbf.n_failures is 'disengagements by the system (system_immediate, system_soft) with this event';
comment on column mtbf.engaged_h is 'time engaged';
comment on column mtbf.mtbf_h is 'engaged_h / n_failures; null without failures or engaged time';
comment on column mtbf.mtbf_lower_h is 'lower limit of its 95 % interval; null without engaged time';
comment on column mtbf.mtbf_upper_h is 'upper limit of its 95 % interval; null without failures or engaged time';
comment on column mtbf.dispersion is 'variance of drives'' counts over that of a Poisson process: the group''s, shrunk to that of other drives; null without engaged time';
comment on column mtbf.dispersion_source is 'other drives it is shrunk to: the database''s, or shipped where these are too few; null without engaged time';
