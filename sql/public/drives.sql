-- Drives, with what they were like.
--
-- grain:   one row per drive_id
-- null:    what the logs don't say; of an imported drive, whatever the old file did not have
create or replace view drives as
with

logs as (
    select
        abs(drive_id) as drive_id,
        count(*) filter (where drive_id > 0 and status <> 'failed') as n_segments,
        max(segment_num) + 1 - count(*) filter (where status <> 'failed') as n_missing_segments,
        case
            when
                count(distinct log_kind) filter (where drive_id > 0 and status <> 'failed') > 1
                then 'mixed'
            else
                coalesce(
                    min(log_kind) filter (where drive_id > 0 and status <> 'failed'), min(log_kind)
                )
        end as log_kind
    from log.segment
    group by abs(drive_id)
    having max(drive_id) >= 0
),

ingested as (
    select
        drive.drive_id,
        drive.dongle_id,
        drive.drive,
        drive.dongle_id || '|' || drive.drive as route_name,
        identity.started_at_utc,
        identity.started_at_local,
        identity.time_zone,
        identity.clock_source,
        identity.version,
        identity.git_branch,
        identity.git_commit,
        identity.git_remote,
        identity.fork,
        identity.device_type,
        identity.car_fingerprint,
        metrics.openpilot_longitudinal,
        metrics.longitudinal_source,
        false as is_imported,
        logs.n_segments::bigint as n_segments,
        logs.n_missing_segments::bigint as n_missing_segments,
        logs.log_kind,
        metrics.duration_s,
        metrics.known_s,
        metrics.coverage,
        metrics.speed_known_s,
        metrics.motion_coverage,
        metrics.moving_s,
        metrics.engaged_s,
        metrics.moving_engaged_s,
        metrics.lateral_only_s,
        metrics.override_s,
        metrics.longitudinal_s,
        metrics.distance_km,
        metrics.known_km,
        metrics.engaged_km,
        metrics.lateral_only_km,
        metrics.engaged_fraction,
        metrics.moving_engaged_fraction,
        metrics.distance_engaged_fraction,
        metrics.engaged_not_overriding_fraction,
        metrics.n_engagements,
        metrics.n_disengagements,
        metrics.n_disengagements_counted,
        metrics.n_lateral_overrides,
        metrics.n_longitudinal_overrides,
        metrics.n_interventions,
        metrics.n_unplanned_interventions,
        metrics.n_lateral_only_engagements,
        metrics.n_lateral_only_disengagements,
        metrics.n_lateral_only_interventions,
        metrics.n_lateral_only_unplanned_interventions,
        metrics.n_interventions * 100 / nullif(metrics.engaged_km, 0) as interventions_per_100km,
        metrics.n_unplanned_interventions * 100 / nullif(metrics.engaged_km, 0)
            as unplanned_interventions_per_100km,
        metrics.n_lateral_only_interventions * 100 / nullif(metrics.lateral_only_km, 0)
            as lateral_only_interventions_per_100km,
        metrics.n_disengagements_counted * 100 / nullif(metrics.engaged_km, 0)
            as disengagements_counted_per_100km
    from log.drive
    inner join logs on drive.drive_id = logs.drive_id
    left join staging.imported_drives as entries on drive.drive_id = entries.drive_id
    left join result.drive_identity as identity on drive.drive_id = identity.drive_id
    left join result.drive_metrics as metrics on drive.drive_id = metrics.drive_id
    where entries.drive_id is null
),

imported as (
    select
        imported.drive_id,
        drive.dongle_id,
        drive.drive,
        imported.started_at_utc,
        imported.started_at_local,
        imported.entry ->> 'version' as version,
        imported.entry ->> 'git_branch' as git_branch,
        imported.entry ->> 'git_commit' as git_commit,
        coalesce(imported.entry ->> 'device_type', imported.entry ->> 'deviceType') as device_type,
        coalesce(imported.entry ->> 'car_fingerprint', imported.entry ->> 'car_name')
            as car_fingerprint,
        (imported.entry ->> 'openpilot_longitudinal')::boolean as openpilot_longitudinal,
        (imported.entry ->> 'total_time')::double / 1e9 as known_s,
        imported.engaged_s,
        (imported.entry ->> 'drive_time')::double / 1e9 as moving_s,
        (imported.entry ->> 'drive_time_active')::double / 1e9 as moving_engaged_s,
        (imported.entry ->> 'odo_distance')::double as distance_km,
        imported.engaged_km
    from staging.imported_drives as imported
    inner join log.drive on imported.drive_id = drive.drive_id
),

known as (
    select * from ingested
    union all by name
    select
        drive_id,
        dongle_id,
        drive,
        dongle_id || '|' || drive as route_name,
        started_at_utc,
        started_at_local,
        case
            when started_at_utc is not null then 'init_data'
            when started_at_local is not null then 'name'
        end as clock_source,
        version,
        git_branch,
        git_commit,
        device_type,
        car_fingerprint,
        openpilot_longitudinal,
        true as is_imported,
        0::bigint as n_segments,
        known_s,
        moving_s,
        engaged_s,
        moving_engaged_s,
        distance_km,
        engaged_km,
        engaged_s / nullif(known_s, 0) as engaged_fraction,
        moving_engaged_s / nullif(moving_s, 0) as moving_engaged_fraction,
        engaged_km / nullif(distance_km, 0) as distance_engaged_fraction
    from imported
),

final as (
    select
        known.* exclude (started_at_utc, started_at_local, time_zone),
        known.started_at_utc,
        known.started_at_local,
        known.time_zone,
        coalesce(known.started_at_utc, known.started_at_local) as started_at,
        names.name as device_name,
        ends.start_mono_ns,
        ends.start_latitude,
        ends.start_longitude,
        ends.end_latitude,
        ends.end_longitude,
        place_called(ends.start_latitude, ends.start_longitude) as start_place_name,
        place_called(ends.end_latitude, ends.end_longitude) as end_place_name,
        ends.night_fraction
    from known
    left join store.device_name as names on known.dongle_id = names.dongle_id
    left join result.drive_ends as ends on known.drive_id = ends.drive_id
)

select * from final;
comment on column drives.drive_id is 'number of the drive in this database';
comment on column drives.dongle_id is 'the device';
comment on column drives.drive is 'name of the drive, its log id';
comment on column drives.route_name is 'dongle_id|drive, as comma''s tools write it';
comment on column drives.started_at is 'started_at_utc, else started_at_local, where clock_source is name: what drives are sorted and selected by';
comment on column drives.started_at_utc is 'when it started, by clock_source; null without a clock that was set';
comment on column drives.started_at_local is 'when it started in time_zone, else by its name, which is the device''s local time; null without either';
comment on column drives.time_zone is 'IANA name of the time zone of the place where it started; null without a position';
comment on column drives.clock_source is 'the clock it started by: gps, clocks, init_data, or name, which tells local time alone; null without any';
comment on column drives.version is 'openpilot''s version; null where the logs don''t say';
comment on column drives.git_branch is 'branch of the software; null where the logs don''t say';
comment on column drives.git_commit is 'commit of the software; null where the logs don''t say';
comment on column drives.git_remote is 'repository of the software; null where the logs don''t say';
comment on column drives.fork is 'openpilot, a fork known by name, or the owner of git_remote';
comment on column drives.device_type is 'neo (EON, two), tici (three), tizi (3X), mici (four), pc';
comment on column drives.car_fingerprint is 'the car, as openpilot names it; null without carParams';
comment on column drives.openpilot_longitudinal is 'whether openpilot may control speed; null without carParams';
comment on column drives.longitudinal_source is 'who controls speed: openpilot, or the car''s stock cruise';
comment on column drives.is_imported is 'known only from an old engagement_db.json, until its logs are ingested';
comment on column drives.n_segments is 'segments with a readable log';
comment on column drives.n_missing_segments is 'segments from 0 to the last one without a readable log; null for an imported drive';
comment on column drives.log_kind is 'rlog, qlog (decimated: coarser) or mixed';
comment on column drives.duration_s is 'first to last sample; null without samples';
comment on column drives.known_s is 'time whose state is known: no gap over {max_gap_s} s, no missing segment';
comment on column drives.coverage is 'known_s / duration_s';
comment on column drives.speed_known_s is 'known time whose speed is known';
comment on column drives.motion_coverage is 'speed_known_s / known_s: how much of the known time distances are of; null without known time';
comment on column drives.moving_s is 'known time faster than {moving_min_mps} m/s';
comment on column drives.engaged_s is 'time with openpilot active';
comment on column drives.moving_engaged_s is 'time with openpilot active faster than {moving_min_mps} m/s';
comment on column drives.lateral_only_s is 'time steering without being enabled: MADS, always-on lateral';
comment on column drives.longitudinal_s is 'time with speed controlled by longitudinal_source; null without carParams';
comment on column drives.distance_km is 'integral of speed';
comment on column drives.known_km is 'integral of speed in known time; null for an imported drive';
comment on column drives.engaged_km is 'integral of speed while engaged';
comment on column drives.engaged_fraction is 'engaged_s / known_s; null without known time';
comment on column drives.moving_engaged_fraction is 'moving_engaged_s / moving_s; null without moving';
comment on column drives.distance_engaged_fraction is 'engaged share of the distance driven in known time; null without distance';
comment on column drives.n_engagements is 'runs of being engaged; off-runs under {engagement_min_off_s} s don''t end one';
comment on column drives.n_disengagements is 'engagements that ended at a known moment, the end of the drive aside';
comment on column drives.n_disengagements_counted is 'disengagements with at least {counted_min_on_s} s engaged before and {counted_min_off_s} s off after';
comment on column drives.n_lateral_overrides is 'times the driver steered for {override_min_s} s or more while engaged';
comment on column drives.n_longitudinal_overrides is 'times the driver accelerated for {override_min_s} s or more while engaged, without disengaging';
comment on column drives.override_s is 'time engaged in which the driver steered or accelerated';
comment on column drives.lateral_only_km is 'integral of speed while only steering';
comment on column drives.engaged_not_overriding_fraction is '(engaged_s - override_s) / known_s; null without known time';
comment on column drives.n_interventions is 'moments in which the driver took over while engaged, inputs that belong together as one';
comment on column drives.n_unplanned_interventions is 'interventions that were not planned';
comment on column drives.n_lateral_only_engagements is 'runs of steering without being enabled';
comment on column drives.n_lateral_only_disengagements is 'ends of such runs at a known moment, the end of the drive and getting engaged aside';
comment on column drives.n_lateral_only_interventions is 'moments in which the driver took over while only steering was on';
comment on column drives.n_lateral_only_unplanned_interventions is 'of these, those that were not planned';
comment on column drives.unplanned_interventions_per_100km is 'n_unplanned_interventions per 100 km engaged; null without engaged distance';
comment on column drives.lateral_only_interventions_per_100km is 'n_lateral_only_interventions per 100 km of steering alone; null without such distance';
comment on column drives.interventions_per_100km is 'n_interventions per 100 km engaged; null without engaged distance';
comment on column drives.disengagements_counted_per_100km is 'n_disengagements_counted per 100 km engaged; null without engaged distance';
comment on column drives.device_name is 'what `engagement name` calls the device; null where nothing does';
comment on column drives.start_mono_ns is 'logMonoTime of the first sample, which time_s counts from; null without samples';
comment on column drives.start_latitude is 'degrees, of the first fix; null without one';
comment on column drives.start_longitude is 'degrees, of the first fix; null without one';
comment on column drives.end_latitude is 'degrees, of the last fix; null without one';
comment on column drives.end_longitude is 'degrees, of the last fix; null without one';
comment on column drives.start_place_name is 'what `engagement name --place` calls the place of the first fix; null where nothing does';
comment on column drives.end_place_name is 'what `engagement name --place` calls the place of the last fix; null where nothing does';
comment on column drives.night_fraction is 'share of the known time with the sun more than {night_min_deg} degrees below the horizon; null without clock or position';
