-- The speed buckets of the old system's newest entries (schema version 3), with its definitions.
--
-- grain:   one row per (drive_id, bucket)
-- null:    what an imported entry lacks; percentages and rates without time or distance in the bucket
-- why:     an imported drive's rows are its entry's own; those of an ingested drive are what
--          `export legacy --schema 3` writes. Gaps over 1 s are left out and a negative speed is city,
--          unlike in legacy_engagement_db. format() rounds the binary value, as Python's round does
create or replace view legacy_speed_buckets as
with

borders as (
    from (
        values
        ('city', 'City (≤55 km/h)', 0.0, 15.3),
        ('road', 'Road (55-90 km/h)', 15.3, 25.0),
        ('highway', 'Highway (≥90 km/h)', 25.0, null)
    ) as borders (bucket, label, min_speed_mps, max_speed_mps)
),

sums as (
    select
        drive_id,
        case when speed_range = 'negative' then 'city' else speed_range end as bucket,
        sum(time_ns)::bigint as time_ns,
        sum(engaged_time_ns)::bigint as engaged_time_ns,
        sum(moving_ns)::bigint as drive_time_ns,
        sum(moving_engaged_ns)::bigint as engaged_drive_time_ns,
        sum(distance_km) as distance_km,
        sum(engaged_distance_km) as engaged_distance_km,
        sum(n_presses)::bigint as steer_intervention_count,
        sum(n_ends)::bigint as raw_disengagement_count,
        sum(n_last_ends)::bigint as manual_shutdown_removed
    from result.legacy_speed_cells
    where not is_gap
    group by all
),

filled as (
    select
        drives.drive_id,
        borders.*,
        coalesce(sums.time_ns, 0) as time_ns,
        coalesce(sums.engaged_time_ns, 0) as engaged_time_ns,
        coalesce(sums.drive_time_ns, 0) as drive_time_ns,
        coalesce(sums.engaged_drive_time_ns, 0) as engaged_drive_time_ns,
        coalesce(sums.distance_km, 0) as km,
        coalesce(sums.engaged_distance_km, 0) as engaged_km,
        coalesce(sums.steer_intervention_count, 0) as steer_intervention_count,
        coalesce(sums.raw_disengagement_count, 0) as raw_disengagement_count,
        coalesce(sums.manual_shutdown_removed, 0) as manual_shutdown_removed
    from result.legacy_drives as drives
    cross join borders
    left join sums on drives.drive_id = sums.drive_id and borders.bucket = sums.bucket
),

ingested as (
    select
        * exclude (km, engaged_km),
        false as is_imported,
        old_number(time_ns / 6e10, '{:.2f}') as time_min,
        old_number(engaged_time_ns / 6e10, '{:.2f}') as engaged_time_min,
        old_number(km, '{:.6f}') as distance_km_raw,
        old_number(engaged_km, '{:.6f}') as engaged_distance_km_raw,
        old_number(km, '{:.3f}') as distance_km,
        old_number(engaged_km, '{:.3f}') as engaged_distance_km,
        old_percentage(engaged_time_ns, time_ns) as engagement_pct,
        old_percentage(engaged_drive_time_ns, drive_time_ns) as drive_time_engagement_pct,
        old_percentage(engaged_km, km) as distance_engagement_pct,
        old_percentage(steer_intervention_count, km) as steer_interventions_per_100km,
        raw_disengagement_count - manual_shutdown_removed as disengagement_count,
        old_percentage(disengagement_count, km) as disengagements_per_100km,
        old_number(disengagement_count / nullif(drive_time_ns, 0) * 36e11, '{:.2f}')
            as disengagements_per_drive_hour
    from filled
),

parts as (
    select
        entries.drive_id,
        borders.bucket,
        from_json(
            entries.entry -> 'speed_buckets' -> borders.bucket,
            '{
                "label": "VARCHAR",
                "min_speed_mps": "DOUBLE",
                "max_speed_mps": "DOUBLE",
                "time_ns": "BIGINT",
                "engaged_time_ns": "BIGINT",
                "drive_time_ns": "BIGINT",
                "engaged_drive_time_ns": "BIGINT",
                "time_min": "DOUBLE",
                "engaged_time_min": "DOUBLE",
                "distance_km_raw": "DOUBLE",
                "engaged_distance_km_raw": "DOUBLE",
                "distance_km": "DOUBLE",
                "engaged_distance_km": "DOUBLE",
                "engagement_pct": "DOUBLE",
                "drive_time_engagement_pct": "DOUBLE",
                "distance_engagement_pct": "DOUBLE",
                "steer_intervention_count": "BIGINT",
                "steer_interventions_per_100km": "DOUBLE",
                "raw_disengagement_count": "BIGINT",
                "disengagement_count": "BIGINT",
                "disengagements_per_100km": "DOUBLE",
                "disengagements_per_drive_hour": "DOUBLE",
                "manual_shutdown_removed": "BIGINT",
                "intervention_count": "BIGINT",
                "interventions_per_100km": "DOUBLE"
            }'
        ) as old
    from staging.imported_drives as entries
    cross join borders
    where json_type(entries.entry -> 'speed_buckets' -> borders.bucket) = 'OBJECT'
),

imported as (
    select drive_id, bucket, true as is_imported, unnest(old) from parts
),

told as (
    select * from imported
    union all by name
    select * from ingested
),

final as (
    select
        told.drive_id,
        drive.dongle_id as device_id,
        drive.drive,
        told.is_imported,
        told.bucket,
        told.label,
        told.min_speed_mps,
        told.max_speed_mps,
        told.time_ns,
        told.engaged_time_ns,
        told.drive_time_ns,
        told.engaged_drive_time_ns,
        told.time_min,
        told.engaged_time_min,
        told.distance_km_raw,
        told.engaged_distance_km_raw,
        told.distance_km,
        told.engaged_distance_km,
        told.engagement_pct,
        told.drive_time_engagement_pct,
        told.distance_engagement_pct,
        told.steer_intervention_count,
        told.steer_interventions_per_100km,
        told.raw_disengagement_count,
        told.disengagement_count,
        told.disengagements_per_100km,
        told.disengagements_per_drive_hour,
        told.manual_shutdown_removed,
        told.intervention_count,
        told.interventions_per_100km
    from told
    inner join log.drive on told.drive_id = drive.drive_id
)

select * from final;
comment on column legacy_speed_buckets.drive_id is 'number of the drive in this database';
comment on column legacy_speed_buckets.device_id is 'the device: the folder of its logs, the dongle id';
comment on column legacy_speed_buckets.drive is 'name of the drive, its log id';
comment on column legacy_speed_buckets.is_imported is 'from an imported entry; no log of the drive was ingested';
comment on column legacy_speed_buckets.bucket is 'city, road or highway';
comment on column legacy_speed_buckets.label is 'what the old system calls the bucket; null where an imported entry doesn''t say';
comment on column legacy_speed_buckets.min_speed_mps is 'speed from which the bucket goes, in m/s; null where the entry doesn''t say';
comment on column legacy_speed_buckets.max_speed_mps is 'speed under which the bucket goes, in m/s; null for highway, and where the entry doesn''t say';
comment on column legacy_speed_buckets.time_ns is 'ns at these speeds, without gaps over 1 s; null where the entry doesn''t say';
comment on column legacy_speed_buckets.engaged_time_ns is 'the engaged part of time_ns; null where the entry doesn''t say';
comment on column legacy_speed_buckets.drive_time_ns is 'the part of time_ns faster than 1 m/s; null where the entry doesn''t say';
comment on column legacy_speed_buckets.engaged_drive_time_ns is 'the engaged part of drive_time_ns; null where the entry doesn''t say';
comment on column legacy_speed_buckets.time_min is 'time_ns in minutes, 2 decimals; null where the entry doesn''t say';
comment on column legacy_speed_buckets.engaged_time_min is 'engaged_time_ns in minutes, 2 decimals; null where the entry doesn''t say';
comment on column legacy_speed_buckets.distance_km_raw is 'km at these speeds, by speed, 6 decimals; null where the entry doesn''t say';
comment on column legacy_speed_buckets.engaged_distance_km_raw is 'the engaged part of distance_km_raw; null where the entry doesn''t say';
comment on column legacy_speed_buckets.distance_km is 'distance_km_raw, 3 decimals, 2 before version 3; null where the entry doesn''t say';
comment on column legacy_speed_buckets.engaged_distance_km is 'the engaged part of distance_km; null where the entry doesn''t say';
comment on column legacy_speed_buckets.engagement_pct is 'engaged_time_ns in percent of time_ns, 2 decimals; null without such time';
comment on column legacy_speed_buckets.drive_time_engagement_pct is 'engaged_drive_time_ns in percent of drive_time_ns, 2 decimals; null without such time';
comment on column legacy_speed_buckets.distance_engagement_pct is 'engaged distance in percent of the distance, 2 decimals; null without such distance';
comment on column legacy_speed_buckets.steer_intervention_count is 'steering interventions: of ingested drives, presses of the wheel; null where the entry doesn''t say';
comment on column legacy_speed_buckets.steer_interventions_per_100km is 'steer_intervention_count per 100 km of the bucket, 2 decimals; null without such distance';
comment on column legacy_speed_buckets.raw_disengagement_count is 'times of becoming inactive at these speeds; null where the entry doesn''t say';
comment on column legacy_speed_buckets.disengagement_count is 'the same without manual_shutdown_removed; null where the entry doesn''t say';
comment on column legacy_speed_buckets.disengagements_per_100km is 'disengagement_count per 100 km of the bucket, 2 decimals; null without such distance';
comment on column legacy_speed_buckets.disengagements_per_drive_hour is 'disengagement_count per hour of drive_time_ns, 2 decimals; null without such time';
comment on column legacy_speed_buckets.manual_shutdown_removed is '1 where the disengagement that ended the drive was at these speeds, else 0; null where the entry doesn''t say';
comment on column legacy_speed_buckets.intervention_count is 'disengagement_count under its older name, where an imported entry has it; null elsewhere';
comment on column legacy_speed_buckets.interventions_per_100km is 'disengagements_per_100km under its older name, where an imported entry has it; null elsewhere';
