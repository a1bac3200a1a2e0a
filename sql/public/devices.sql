-- Devices, with the totals of their drives.
--
-- grain:   one row per dongle_id
-- null:    first_drive and last_drive never; fractions without exposure; counts without a drive
--          with logs, as an old file's are of other definitions
create or replace view devices as
with

final as (
    select
        dongle_id,
        count(*)::bigint as n_drives,
        count(*) filter (where is_imported)::bigint as n_imported_drives,
        count(*) filter (where log_kind <> 'rlog')::bigint as n_qlog_drives,
        coalesce(arg_min(drive, started_at), min(drive)) as first_drive,
        coalesce(arg_max(drive, started_at), max(drive)) as last_drive,
        coalesce(sum(known_s), 0)::double as known_s,
        coalesce(sum(moving_s), 0)::double as moving_s,
        coalesce(sum(engaged_s), 0)::double as engaged_s,
        coalesce(sum(distance_km), 0)::double as distance_km,
        coalesce(sum(engaged_km), 0)::double as engaged_km,
        (sum(known_s) filter (where not is_imported) / nullif(sum(duration_s), 0))::double
            as coverage,
        (sum(speed_known_s) / nullif(sum(known_s) filter (where not is_imported), 0))::double
            as motion_coverage,
        (sum(engaged_s) / nullif(sum(known_s), 0))::double as engaged_fraction,
        (sum(moving_engaged_s) / nullif(sum(moving_s), 0))::double as moving_engaged_fraction,
        (sum(engaged_km) / nullif(sum(distance_km), 0))::double as distance_engaged_fraction,
        sum(n_disengagements)::bigint as n_disengagements,
        sum(n_disengagements_counted)::bigint as n_disengagements_counted,
        sum(n_lateral_overrides)::bigint as n_lateral_overrides,
        sum(n_longitudinal_overrides)::bigint as n_longitudinal_overrides,
        sum(n_interventions)::bigint as n_interventions,
        sum(n_unplanned_interventions)::bigint as n_unplanned_interventions,
        sum(n_lateral_only_interventions)::bigint as n_lateral_only_interventions,
        sum(lateral_only_s)::double as lateral_only_s,
        sum(lateral_only_km)::double as lateral_only_km,
        (
            sum(n_interventions) * 100
            / nullif(sum(engaged_km) filter (where not is_imported), 0)
        )::double as interventions_per_100km,
        (
            sum(n_unplanned_interventions) * 100
            / nullif(sum(engaged_km) filter (where not is_imported), 0)
        )::double as unplanned_interventions_per_100km,
        (
            sum(n_disengagements_counted) * 100
            / nullif(sum(engaged_km) filter (where not is_imported), 0)
        )::double as disengagements_counted_per_100km,
        any_value(device_name) as device_name
    from drives
    group by dongle_id
)

select * from final;
comment on column devices.dongle_id is 'the device';
comment on column devices.n_drives is 'drives, imported ones included';
comment on column devices.n_imported_drives is 'drives known only from an old engagement_db.json';
comment on column devices.n_qlog_drives is 'drives read from qlogs, all or in part, which are coarser';
comment on column devices.first_drive is 'name of the earliest drive';
comment on column devices.last_drive is 'name of the latest drive';
comment on column devices.known_s is 'time whose state is known';
comment on column devices.moving_s is 'known time faster than {moving_min_mps} m/s';
comment on column devices.engaged_s is 'time with openpilot active';
comment on column devices.distance_km is 'distance driven';
comment on column devices.engaged_km is 'distance driven while engaged';
comment on column devices.coverage is 'known time / duration of the drives with logs; null without samples';
comment on column devices.motion_coverage is 'share of the known time whose speed is known, in drives with logs; null without known time';
comment on column devices.engaged_fraction is 'engaged_s / known_s; null without known time';
comment on column devices.moving_engaged_fraction is 'engaged share of the time faster than {moving_min_mps} m/s; null without moving';
comment on column devices.distance_engaged_fraction is 'engaged share of the distance; null without distance';
comment on column devices.n_lateral_overrides is 'times the driver steered for {override_min_s} s or more while engaged; null without logs';
comment on column devices.n_longitudinal_overrides is 'times the driver accelerated for {override_min_s} s or more while engaged, without disengaging; null without logs';
comment on column devices.n_disengagements is 'engagements that ended at a known moment; null without logs';
comment on column devices.n_disengagements_counted is 'disengagements with at least {counted_min_on_s} s engaged before and {counted_min_off_s} s off after; null without logs';
comment on column devices.n_interventions is 'moments in which the driver took over while engaged; null without logs';
comment on column devices.n_unplanned_interventions is 'interventions that were not planned; null without logs';
comment on column devices.n_lateral_only_interventions is 'moments in which the driver took over while only steering was on; null without logs';
comment on column devices.lateral_only_s is 'time steering without being enabled; null without logs';
comment on column devices.lateral_only_km is 'distance driven so; null without logs';
comment on column devices.unplanned_interventions_per_100km is 'n_unplanned_interventions per 100 km engaged in drives with logs; null without such distance';
comment on column devices.interventions_per_100km is 'n_interventions per 100 km engaged in drives with logs; null without such distance';
comment on column devices.disengagements_counted_per_100km is 'n_disengagements_counted per 100 km engaged in drives with logs; null without such distance';
comment on column devices.device_name is 'what `engagement name` calls it; null where nothing does';
