-- What the newest version of the old system takes of a whole drive, beside its speed buckets.
--
-- grain:   one row per drive_id
-- null:    imported drives have no row; metadata that the logs don't say
-- why:     unlike the older version it leaves out gaps over 1 s of active time, and adds the odometer's
--          steps under 1 km; with fewer than two values of an odometer it integrates the speed
create or replace view staging.legacy_newest_drives as
with

drives as (
    select
        named.dongle_id as device_id,
        named.drive,
        numbers.*
    from result.legacy_drives as numbers
    inner join log.drive as named on numbers.drive_id = named.drive_id
),

controls as (
    select
        drive_id,
        active and lag(active) over in_order as is_active,
        mono_ns - lag(mono_ns) over in_order as gap_ns
    from staging.legacy_controls
    window in_order as (partition by drive_id, segment_num order by message_num)
),

active_times as (
    select
        drive_id,
        sum(gap_ns) filter (where is_active and gap_ns <= 1000000000)::bigint as active_time
    from controls
    group by drive_id
),

changes as (
    select * from result.legacy_state_changes
),

readings as (
    select
        drive_id,
        message_position(segment_num, message_num) as place,
        frame_num,
        value - lag(value) over (
            partition by drive_id order by segment_num, message_num, frame_num
        ) as step_km
    from log.can_signal
    where signal_key = 'odometer'
),

odometers as (
    select
        readings.drive_id,
        coalesce(
            sum(readings.step_km order by readings.place, readings.frame_num) filter (
                where readings.step_km > 0 and readings.step_km < 1
            ),
            0
        ) as odometer_km,
        coalesce(
            sum(readings.step_km order by readings.place, readings.frame_num) filter (
                where readings.step_km > 0 and readings.step_km < 1 and changes.active
            ),
            0
        ) as odometer_engaged_km
    from readings
    asof left join changes
        on readings.drive_id = changes.drive_id and readings.place >= changes.place
    group by readings.drive_id
    having count(*) > 1
),

integrals as (
    select
        drive_id,
        sum(distance_km) as distance_km,
        sum(engaged_distance_km) as engaged_distance_km
    from result.legacy_speed_cells
    where not is_gap
    group by drive_id
),

segments as (
    select
        drive_id,
        count(*) as segment_count,
        min(profile) as vehicle_profile,
        max(ingested_at_utc) as ingested_at_utc
    from log.segment
    where status <> 'failed'
    group by drive_id
),

first_init as (
    select
        drive_id,
        arg_min(wall_time_ns, message_position(segment_num, message_num)) as wall_time_ns,
        arg_min(is_dirty, message_position(segment_num, message_num)) as git_dirty
    from log.init_data
    group by drive_id
),

final as (
    select
        drives.drive_id,
        drives.device_id,
        drives.drive,
        first_init.wall_time_ns,
        segments.ingested_at_utc,
        segments.segment_count,
        segments.vehicle_profile,
        drives.car_fingerprint,
        drives.total_time,
        coalesce(active_times.active_time, 0) as active_time,
        odometers.drive_id is not null as has_odometer,
        case
            when odometers.drive_id is not null then odometers.odometer_km
            else coalesce(integrals.distance_km, 0)
        end as distance_km,
        case
            when odometers.drive_id is not null then odometers.odometer_engaged_km
            else coalesce(integrals.engaged_distance_km, 0)
        end as engaged_distance_km,
        drives.total_state_changes,
        drives.openpilot_longitudinal,
        drives.version,
        drives.git_branch,
        drives.git_commit,
        first_init.git_dirty,
        drives.device_type,
        coalesce(drives.active_source = 'selfdriveState', false) as is_dead
    from drives
    inner join segments on drives.drive_id = segments.drive_id
    left join active_times on drives.drive_id = active_times.drive_id
    left join odometers on drives.drive_id = odometers.drive_id
    left join integrals on drives.drive_id = integrals.drive_id
    left join first_init on drives.drive_id = first_init.drive_id
)

select * from final;
