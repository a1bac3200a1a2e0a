-- The numbers of a drive as the old system gave them in engagement_db.json.
--
-- grain:   one row per drive_id with a log that could be read
-- null:    odometer distances and rates by them without an odometer, the rates also where it stands;
--          a bucket's percentage without time in it; metadata that the logs don't say; active_source
--          without controlsState
-- why:     format() rounds the binary value, as Python's round does; round() may not. The columns
--          are in the order of the old file
create or replace view compute.legacy_drives as
with

metadata as (
    select * from staging.legacy_metadata
),

dates as (
    select * from staging.legacy_drive_dates
),

times as (
    select * from result.legacy_segment_times
),

changes as (
    select * from result.legacy_state_changes
),

-- A negative speed falls in highway.
buckets as (
    select
        drive_id,
        case when speed_range = 'negative' then 'highway' else speed_range end as bucket,
        sum(time_ns)::bigint as time_ns,
        sum(engaged_time_ns)::bigint as engaged_time_ns,
        sum(moving_ns)::bigint as moving_ns,
        sum(moving_engaged_ns)::bigint as moving_engaged_ns,
        sum(distance_km) as distance_km,
        sum(engaged_distance_km) as engaged_distance_km
    from result.legacy_speed_cells
    group by all
),

presses as (
    select * from result.legacy_cruise_press
),

odometers as (
    select * from result.legacy_odometer
),

steering as (
    select * from result.legacy_steer_interventions
),

total_times as (
    select
        drive_id,
        sum(total_time_ns)::bigint as total_time,
        sum(active_time_ns)::bigint as active_time
    from times
    group by drive_id
),

-- Changes alternate, so a drive's third change to active follows one to inactive.
change_counts as (
    select
        drive_id,
        max(active_source) as active_source,
        count(*) - 1 as total_state_changes,
        count(*) filter (where active and change_num >= 3) as intervention_count
    from changes
    group by drive_id
),

steer_counts as (
    select
        drive_id,
        count(*) as steer_intervention_count
    from steering
    group by drive_id
),

moving_times as (
    select
        drive_id,
        sum(moving_ns)::bigint as drive_time,
        sum(moving_engaged_ns)::bigint as drive_time_active
    from buckets
    group by drive_id
),

bucket_names as (
    select unnest(['city', 'road', 'highway']) as bucket
),

bucket_sums as (
    select
        metadata.drive_id,
        named.bucket,
        coalesce(buckets.time_ns, 0) as time_ns,
        coalesce(buckets.engaged_time_ns, 0) as engaged_time_ns,
        coalesce(buckets.distance_km, 0) as distance_km_raw,
        coalesce(buckets.engaged_distance_km, 0) as engaged_distance_km_raw
    from metadata
    cross join bucket_names as named
    left join buckets
        on metadata.drive_id = buckets.drive_id and named.bucket = buckets.bucket
),

bucket_numbers as (
    select
        *,
        format('{:.2f}', time_ns / 1e9 / 60)::double as time_min,
        format('{:.2f}', engaged_time_ns / 1e9 / 60)::double as engaged_time_min,
        format('{:.2f}', distance_km_raw)::double as distance_km,
        format('{:.2f}', engaged_distance_km_raw)::double as engaged_distance_km,
        format('{:.2f}', engaged_time_ns / nullif(time_ns, 0) * 100)::double as engagement_pct
    from bucket_sums
),

bucket_columns as (
    pivot bucket_numbers
    on bucket in ('city', 'road', 'highway')
    using
    max(time_min) as time_min,
    max(engaged_time_min) as engaged_time_min,
    max(distance_km) as distance_km,
    max(engaged_distance_km) as engaged_distance_km,
    max(engagement_pct) as engagement_pct,
    max(time_ns) as time_ns,
    max(engaged_time_ns) as engaged_time_ns,
    max(distance_km_raw) as distance_km_raw,
    max(engaged_distance_km_raw) as engaged_distance_km_raw
    group by drive_id
),

measured as (
    select
        metadata.drive_id,
        coalesce(total_times.total_time, 0) as total_time,
        coalesce(total_times.active_time, 0) as active_time,
        coalesce(moving_times.drive_time, 0) as drive_time,
        coalesce(moving_times.drive_time_active, 0) as drive_time_active,
        coalesce(presses.press_ns, 0) as cruise_press_time_ns,
        format('{:.1f}', odometers.distance_km)::double as odo_distance,
        odometers.engaged_distance_km as engaged_distance_raw,
        change_counts.active_source,
        coalesce(change_counts.total_state_changes, 0) as total_state_changes,
        coalesce(change_counts.intervention_count, 0) as intervention_count,
        coalesce(steer_counts.steer_intervention_count, 0) as steer_intervention_count,
        metadata.openpilot_longitudinal,
        metadata.car_fingerprint,
        metadata.device_type,
        dates.recorded_at,
        metadata.version,
        metadata.git_branch,
        metadata.git_commit
    from metadata
    inner join dates on metadata.drive_id = dates.drive_id
    left join total_times on metadata.drive_id = total_times.drive_id
    left join change_counts on metadata.drive_id = change_counts.drive_id
    left join steer_counts on metadata.drive_id = steer_counts.drive_id
    left join moving_times on metadata.drive_id = moving_times.drive_id
    left join presses on metadata.drive_id = presses.drive_id
    left join odometers on metadata.drive_id = odometers.drive_id
),

final as (
    select
        measured.drive_id,
        total_time,
        active_time,
        drive_time,
        drive_time_active,
        cruise_press_time_ns,
        format('{:.2f}', cruise_press_time_ns / 1e9)::double as cruise_press_seconds,
        format(
            '{:.2f}', coalesce(cruise_press_time_ns / nullif(drive_time, 0) * 3600, 0)
        )::double as cruise_press_seconds_per_hour,
        format(
            '{:.2f}', coalesce(active_time / nullif(total_time, 0) * 100, 0)
        )::double as engagement_pct,
        format(
            '{:.2f}', coalesce(drive_time_active / nullif(drive_time, 0) * 100, 0)
        )::double as drive_time_engagement_pct,
        format(
            '{:.2f}', engaged_distance_raw / nullif(odo_distance, 0) * 100
        )::double as engagement_pct_odo,
        odo_distance,
        format('{:.1f}', engaged_distance_raw)::double as engaged_distance,
        format(
            '{:.2f}', intervention_count / nullif(odo_distance, 0) * 100
        )::double as interventions_per_100km,
        total_state_changes,
        intervention_count,
        steer_intervention_count,
        format(
            '{:.2f}', steer_intervention_count / nullif(odo_distance, 0) * 100
        )::double as steer_interventions_per_100km,
        openpilot_longitudinal,
        car_fingerprint,
        device_type,
        bucket_columns.* exclude (drive_id),
        recorded_at,
        version,
        git_branch,
        git_commit,
        active_source
    from measured
    inner join bucket_columns on measured.drive_id = bucket_columns.drive_id
)

select * from final;
