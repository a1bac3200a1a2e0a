-- Saved moments, and the driving in which they could be told, in parts of drives.
--
-- grain:   one row per (drive_id, part_num, speed_band, own_mode, mode, event)
-- null:    never
-- why:     mode `any` is all driving, and `assisted` that of either mode in which openpilot steers
create or replace view staging.moment_amounts as
with

told as (
    select
        drive_id,
        part_num,
        speed_band,
        mode,
        event,
        0 as n_events,
        exposure_s / 3600 as exposure_h,
        distance_km / 100 as exposure_100km
    from main.moment_exposures
    union all
    select
        drive_id,
        part_num,
        speed_band,
        mode,
        event,
        n_events,
        0 as exposure_h,
        0 as exposure_100km
    from main.event_counts
    where is_saved_moment(event)
),

summed as (
    select
        drive_id,
        part_num,
        speed_band,
        mode as own_mode,
        event,
        sum(n_events)::double as n_events,
        sum(exact(exposure_h))::double as exposure_h,
        sum(exact(exposure_100km))::double as exposure_100km
    from told
    group by drive_id, part_num, speed_band, mode, event
),

final as (
    select
        drive_id,
        part_num,
        speed_band,
        own_mode,
        unnest(moment_modes(own_mode)) as mode,
        event,
        n_events,
        exposure_h,
        exposure_100km
    from summed
)

select * from final;
