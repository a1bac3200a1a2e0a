-- How often each event happens in groups of drives, per hour and per 100 km of each mode.
--
-- grain:   one row per (grouped_by, group_name, mode, event)
-- null:    rates, limits and dispersion without exposure
-- why:     where drives differ, or events come several at a time, counts vary more than a Poisson
--          process' do. The interval is Garwood's of the count divided by that dispersion
create or replace view rates as
with

final as (
    select
        grouped_by,
        group_name,
        mode,
        event,
        any_value(n_drives) as n_drives,
        any_value(n_qlog_drives) as n_qlog_drives,
        any_value(n_events)::bigint as n_events,
        max(exposure) filter (where unit = 'hour') as exposure_h,
        max(exposure) filter (where unit = '100km') * 100 as exposure_km,
        any_value(motion_coverage) as motion_coverage,
        max(rate) filter (where unit = 'hour') as per_hour,
        max(rate_lower) filter (where unit = 'hour') as per_hour_lower,
        max(rate_upper) filter (where unit = 'hour') as per_hour_upper,
        max(dispersion) filter (where unit = 'hour') as per_hour_dispersion,
        max(dispersion_source) filter (where unit = 'hour') as per_hour_dispersion_source,
        max(rate) filter (where unit = '100km') as per_100km,
        max(rate_lower) filter (where unit = '100km') as per_100km_lower,
        max(rate_upper) filter (where unit = '100km') as per_100km_upper,
        max(dispersion) filter (where unit = '100km') as per_100km_dispersion,
        max(dispersion_source) filter (where unit = '100km') as per_100km_dispersion_source
    from staging.group_rates
    where not is_failure(event)
    group by grouped_by, group_name, mode, event
)

select * from final;
comment on column rates.grouped_by is '{groupings}, or two of them that were asked for';
comment on column rates.group_name is 'which group of these; unknown where the logs don''t say';
comment on column rates.mode is 'engaged, lateral_only (steering alone) or assisted (either): events and exposure in it; of saved moments also any';
comment on column rates.event is 'what is counted, as in event_counts; every event has a row, zero counts included; moment:NAME where it could be told';
comment on column rates.n_drives is 'drives in the group, all or parts of each; in a speed band those that were so fast';
comment on column rates.n_qlog_drives is 'drives of them that were read from qlogs, all or in part, which are coarser';
comment on column rates.n_events is 'how often it happened';
comment on column rates.exposure_h is 'time in the mode; of a saved moment the time of it in which it could be told';
comment on column rates.exposure_km is 'distance in the mode; of a saved moment in the time in which it could be told';
comment on column rates.motion_coverage is 'share of the group''s known time whose speed is known: what its distance is of; null without any, and in a speed band or mode';
comment on column rates.per_hour is 'events per hour of the mode; null without any';
comment on column rates.per_hour_lower is 'lower limit of its 95 % interval; 0 without events';
comment on column rates.per_hour_upper is 'upper limit of its 95 % interval';
comment on column rates.per_hour_dispersion is 'variance of drives'' counts over that of a Poisson process: the group''s, shrunk to that of other drives; null without a rate';
comment on column rates.per_hour_dispersion_source is 'other drives it is shrunk to: the database''s, or shipped where these are too few; null without a rate';
comment on column rates.per_100km is 'events per 100 km of the mode; null without any';
comment on column rates.per_100km_lower is 'lower limit of its 95 % interval; 0 without events';
comment on column rates.per_100km_upper is 'upper limit of its 95 % interval';
comment on column rates.per_100km_dispersion is 'variance of drives'' counts over that of a Poisson process: the group''s, shrunk to that of other drives; null without a rate';
comment on column rates.per_100km_dispersion_source is 'other drives it is shrunk to: the database''s, or shipped where these are too few; null without a rate';
