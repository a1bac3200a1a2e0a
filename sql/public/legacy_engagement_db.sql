-- The old system's engagement_db.json: its fields under their own names, with its definitions.
--
-- grain:   one row per drive_id
-- null:    odometer fields without odometer; metadata that is unknown; what an imported entry lacks
-- why:     speed_buckets are flat: city_time_ns is the time_ns of city. An imported drive's numbers
--          are the old file's own
create or replace view legacy_engagement_db as
with

ingested as (
    select
        drive.dongle_id as device_id,
        drive.host,
        drive.drive,
        false as is_imported,
        computed.*
    from result.legacy_drives as computed
    inner join log.drive on computed.drive_id = drive.drive_id
),

typed as (
    select
        drive_id,
        entry_disengagements(entry) as n_disengagements,
        from_json(
            entry,
            replace(
                '{
                    "host": "VARCHAR",
                    "total_time": "BIGINT",
                    "active_time": "BIGINT",
                    "drive_time": "BIGINT",
                    "drive_time_active": "BIGINT",
                    "cruise_press_time_ns": "BIGINT",
                    "cruise_press_seconds": "DOUBLE",
                    "cruise_press_seconds_per_hour": "DOUBLE",
                    "engagement_pct": "DOUBLE",
                    "drive_time_engagement_pct": "DOUBLE",
                    "engagement_pct_odo": "DOUBLE",
                    "odo_distance": "DOUBLE",
                    "engaged_distance": "DOUBLE",
                    "interventions_per_100km": "DOUBLE",
                    "total_state_changes": "BIGINT",
                    "intervention_count": "BIGINT",
                    "steer_intervention_count": "BIGINT",
                    "steer_interventions_per_100km": "DOUBLE",
                    "openpilot_longitudinal": "BOOLEAN",
                    "car_fingerprint": "VARCHAR",
                    "device_type": "VARCHAR",
                    "deviceType": "VARCHAR",
                    "recorded_at": "VARCHAR",
                    "version": "VARCHAR",
                    "git_branch": "VARCHAR",
                    "git_commit": "VARCHAR",
                    "schema_version": "BIGINT",
                    "segment_count": "BIGINT",
                    "vehicle_profile": "VARCHAR",
                    "car_name": "VARCHAR",
                    "distance_source": "VARCHAR",
                    "steer_intervention_source": "VARCHAR",
                    "steering_mode": "VARCHAR",
                    "raw_disengagement_count": "BIGINT",
                    "disengagement_count": "BIGINT",
                    "disengagements_per_100km": "DOUBLE",
                    "disengagements_per_drive_hour": "DOUBLE",
                    "disengagement_corrections": {
                        "version": "BIGINT",
                        "raw_count": "BIGINT",
                        "corrected_count": "BIGINT",
                        "manual_shutdown_removed": "BIGINT"
                    },
                    "speed_bucket_version": "BIGINT",
                    "git_commit_date": "VARCHAR",
                    "git_dirty": "BOOLEAN",
                    "generated_at": "VARCHAR",
                    "speed_buckets": {"city": BUCKET, "road": BUCKET, "highway": BUCKET}
                }',
                'BUCKET',
                '{
                    "time_min": "DOUBLE",
                    "engaged_time_min": "DOUBLE",
                    "distance_km": "DOUBLE",
                    "engaged_distance_km": "DOUBLE",
                    "engagement_pct": "DOUBLE",
                    "time_ns": "BIGINT",
                    "engaged_time_ns": "BIGINT",
                    "distance_km_raw": "DOUBLE",
                    "engaged_distance_km_raw": "DOUBLE"
                }'
            )
        ) as old
    from staging.imported_drives
),

entries as (
    select drive_id, n_disengagements, unnest(old) from typed
),

buckets as (
    select drive_id, unnest(speed_buckets, recursive := true, keep_parent_names := true)
    from entries
),

imported as (
    select
        drive.dongle_id as device_id,
        coalesce(entries.host, drive.host) as host,
        drive.drive,
        true as is_imported,
        coalesce(entries.device_type, entries.devicetype) as device_type,
        coalesce(entries.interventions_per_100km, entries.disengagements_per_100km)
            as interventions_per_100km,
        entries.n_disengagements as intervention_count,
        coalesce(entries.car_fingerprint, entries.car_name) as car_fingerprint,
        entries.* exclude (
            host, device_type, devicetype, interventions_per_100km, intervention_count,
            car_fingerprint, n_disengagements, disengagement_corrections, speed_buckets
        ),
        entries.disengagement_corrections.version as corrections_version,
        entries.disengagement_corrections.raw_count as corrections_raw_count,
        entries.disengagement_corrections.corrected_count as corrections_corrected_count,
        entries.disengagement_corrections.manual_shutdown_removed,
        columns('^(city|road|highway)[.](.*)$') as '\1_\2'  -- noqa: RF05
    from entries
    inner join buckets on entries.drive_id = buckets.drive_id
    inner join log.drive on entries.drive_id = drive.drive_id
),

final as (
    select drive_id, * exclude (drive_id) from ingested
    union all by name
    select * from imported
)

select * from final;
comment on column legacy_engagement_db.drive_id is 'number of the drive in this database';
comment on column legacy_engagement_db.device_id is 'the device: the folder of its logs, the dongle id';
comment on column legacy_engagement_db.host is 'origin of the logs: an SSH alias, or offline';
comment on column legacy_engagement_db.drive is 'name of the drive, its log id';
comment on column legacy_engagement_db.is_imported is 'an imported entry of an old engagement_db.json; no log of the drive was ingested';
comment on column legacy_engagement_db.total_time is 'ns between first and last controlsState of each segment, summed';
comment on column legacy_engagement_db.active_time is 'ns between neighbouring controlsState messages of a segment that are both active';
comment on column legacy_engagement_db.drive_time is 'ns faster than 1 m/s, by the speed at the start of each carState gap';
comment on column legacy_engagement_db.drive_time_active is 'the part of drive_time that was engaged, in ns';
comment on column legacy_engagement_db.cruise_press_time_ns is 'ns with a cruise button held, by the vehicle profile''s signal; 0 without one';
comment on column legacy_engagement_db.cruise_press_seconds is 'cruise_press_time_ns in s, 2 decimals';
comment on column legacy_engagement_db.cruise_press_seconds_per_hour is 'seconds of cruise buttons per hour of drive_time, 2 decimals; 0 without drive_time';
comment on column legacy_engagement_db.engagement_pct is 'active_time in percent of total_time, 2 decimals; 0 without total_time';
comment on column legacy_engagement_db.drive_time_engagement_pct is 'drive_time_active in percent of drive_time, 2 decimals; 0 without drive_time';
comment on column legacy_engagement_db.engagement_pct_odo is 'engaged distance in percent of odo_distance, 2 decimals; null without odometer or where it stands';
comment on column legacy_engagement_db.odo_distance is 'last less first odometer value in km, 1 decimal; null without odometer';
comment on column legacy_engagement_db.engaged_distance is 'odometer steps under 1 km while engaged in km, 1 decimal; null without odometer';
comment on column legacy_engagement_db.interventions_per_100km is 'intervention_count per 100 km of odo_distance, 2 decimals; null without it';
comment on column legacy_engagement_db.total_state_changes is 'flips of the active flag';
comment on column legacy_engagement_db.intervention_count is 'times of becoming active again: the last disengagement of a drive never counts';
comment on column legacy_engagement_db.steer_intervention_count is 'times driver and motor torque parted by 1.5; 0 in drives before 2025-07-07';
comment on column legacy_engagement_db.steer_interventions_per_100km is 'steer_intervention_count per 100 km of odo_distance, 2 decimals; null without it';
comment on column legacy_engagement_db.openpilot_longitudinal is 'whether openpilot may control speed; null without carParams';
comment on column legacy_engagement_db.car_fingerprint is 'the car, as openpilot names it; null without carParams';
comment on column legacy_engagement_db.device_type is 'the device''s kind; null where unknown';
comment on column legacy_engagement_db.city_time_min is 'minutes under 15.3 m/s, 2 decimals';
comment on column legacy_engagement_db.city_engaged_time_min is 'engaged minutes under 15.3 m/s, 2 decimals';
comment on column legacy_engagement_db.city_distance_km is 'km under 15.3 m/s, by speed, 2 decimals';
comment on column legacy_engagement_db.city_engaged_distance_km is 'engaged km under 15.3 m/s, by speed, 2 decimals';
comment on column legacy_engagement_db.city_engagement_pct is 'engaged percentage of the time under 15.3 m/s, 2 decimals; null without such time';
comment on column legacy_engagement_db.city_time_ns is 'ns under 15.3 m/s';
comment on column legacy_engagement_db.city_engaged_time_ns is 'engaged ns under 15.3 m/s';
comment on column legacy_engagement_db.city_distance_km_raw is 'km under 15.3 m/s, by speed, not rounded';
comment on column legacy_engagement_db.city_engaged_distance_km_raw is 'engaged km under 15.3 m/s, by speed, not rounded';
comment on column legacy_engagement_db.road_time_min is 'minutes at 15.3 to under 25 m/s, 2 decimals';
comment on column legacy_engagement_db.road_engaged_time_min is 'engaged minutes at 15.3 to under 25 m/s, 2 decimals';
comment on column legacy_engagement_db.road_distance_km is 'km at 15.3 to under 25 m/s, by speed, 2 decimals';
comment on column legacy_engagement_db.road_engaged_distance_km is 'engaged km at 15.3 to under 25 m/s, by speed, 2 decimals';
comment on column legacy_engagement_db.road_engagement_pct is 'engaged percentage of the time at 15.3 to under 25 m/s, 2 decimals; null without such time';
comment on column legacy_engagement_db.road_time_ns is 'ns at 15.3 to under 25 m/s';
comment on column legacy_engagement_db.road_engaged_time_ns is 'engaged ns at 15.3 to under 25 m/s';
comment on column legacy_engagement_db.road_distance_km_raw is 'km at 15.3 to under 25 m/s, by speed, not rounded';
comment on column legacy_engagement_db.road_engaged_distance_km_raw is 'engaged km at 15.3 to under 25 m/s, by speed, not rounded';
comment on column legacy_engagement_db.highway_time_min is 'minutes at 25 m/s and above, or below 0, 2 decimals';
comment on column legacy_engagement_db.highway_engaged_time_min is 'engaged minutes at 25 m/s and above, or below 0, 2 decimals';
comment on column legacy_engagement_db.highway_distance_km is 'km at 25 m/s and above, or below 0, by speed, 2 decimals';
comment on column legacy_engagement_db.highway_engaged_distance_km is 'engaged km at 25 m/s and above, or below 0, by speed, 2 decimals';
comment on column legacy_engagement_db.highway_engagement_pct is 'engaged percentage of the time at 25 m/s and above, or below 0, 2 decimals; null without such time';
comment on column legacy_engagement_db.highway_time_ns is 'ns at 25 m/s and above, or below 0';
comment on column legacy_engagement_db.highway_engaged_time_ns is 'engaged ns at 25 m/s and above, or below 0';
comment on column legacy_engagement_db.highway_distance_km_raw is 'km at 25 m/s and above, or below 0, by speed, not rounded';
comment on column legacy_engagement_db.highway_engaged_distance_km_raw is 'engaged km at 25 m/s and above, or below 0, by speed, not rounded';
comment on column legacy_engagement_db.recorded_at is 'the time in the drive''s name, ISO 8601, local to the device; null if the name is no time';
comment on column legacy_engagement_db.version is 'openpilot''s version; null where unknown';
comment on column legacy_engagement_db.git_branch is 'branch of the software; null where unknown';
comment on column legacy_engagement_db.git_commit is 'commit of the software; null where unknown';
comment on column legacy_engagement_db.active_source is 'where active was read: controlsState, or selfdriveState since 0.9.8; null for an imported entry';
comment on column legacy_engagement_db.schema_version is 'version of the imported entry''s fields; null before 2, and for ingested drives';
comment on column legacy_engagement_db.segment_count is 'segments that an imported entry is of; null where it doesn''t say';
comment on column legacy_engagement_db.vehicle_profile is 'vehicle profile of an imported entry; null where it doesn''t say';
comment on column legacy_engagement_db.car_name is 'the car''s name in an imported entry; null where it doesn''t say';
comment on column legacy_engagement_db.distance_source is 'odometer or integrated_v_ego in an imported entry; null where it doesn''t say';
comment on column legacy_engagement_db.steer_intervention_source is 'steering_pressed or torque_delta in an imported entry; null where it doesn''t say';
comment on column legacy_engagement_db.steering_mode is 'how the car was steered, by an imported entry; null where it doesn''t say';
comment on column legacy_engagement_db.raw_disengagement_count is 'disengagements of an imported entry before its corrections; null where it doesn''t say';
comment on column legacy_engagement_db.disengagement_count is 'the same, corrected; null where it doesn''t say';
comment on column legacy_engagement_db.disengagements_per_100km is 'per 100 km, as an imported entry has it; null where it doesn''t say';
comment on column legacy_engagement_db.disengagements_per_drive_hour is 'per hour of driving, as an imported entry has it; null where it doesn''t say';
comment on column legacy_engagement_db.git_commit_date is 'when the commit was made, by an imported entry; null where it doesn''t say';
comment on column legacy_engagement_db.git_dirty is 'whether the software was changed, by an imported entry; null where it doesn''t say';
comment on column legacy_engagement_db.generated_at is 'when an imported entry was made, by itself; null where it doesn''t say';
comment on column legacy_engagement_db.corrections_version is 'version of disengagement_corrections of an imported entry; null where it doesn''t say';
comment on column legacy_engagement_db.corrections_raw_count is 'raw_count of disengagement_corrections of an imported entry; null where it doesn''t say';
comment on column legacy_engagement_db.corrections_corrected_count is 'corrected_count of disengagement_corrections of an imported entry; null where it doesn''t say';
comment on column legacy_engagement_db.manual_shutdown_removed is '1 where an imported entry''s corrections leave out the last disengagement, else 0; null where it doesn''t say';
comment on column legacy_engagement_db.speed_bucket_version is 'version of the speed buckets of an imported entry (view legacy_speed_buckets); null where it doesn''t say';
