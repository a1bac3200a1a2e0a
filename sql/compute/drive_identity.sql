-- Who and what drove, and when.
--
-- grain:   one row per drive_id
-- null:    whatever the drive's logs don't say; started_at_utc without any clock
-- why:     of clocks the newest counts, as a device may boot with a wrong one
create or replace view compute.drive_identity as
with

drives as (
    select
        drive_id,
        try_strptime(drive, '%Y-%m-%d--%H-%M-%S') as named_at
    from log.drive
),

spans as (
    select
        drive_id,
        min(start_mono_ns) as start_mono_ns
    from log.segment
    group by drive_id
),

devices as (
    select
        drive_id,
        arg_min(version, message_position(segment_num, message_num)) as version,
        arg_min(git_branch, message_position(segment_num, message_num)) as git_branch,
        arg_min(git_commit, message_position(segment_num, message_num)) as git_commit,
        arg_min(git_remote, message_position(segment_num, message_num)) as git_remote,
        arg_min(device_type, message_position(segment_num, message_num)) as device_type,
        max(wall_time_ns::hugeint - mono_ns) filter (where clock_was_set(wall_time_ns))
            as offset_ns
    from log.init_data
    group by drive_id
),

cars as (
    select
        drive_id,
        arg_min(car_fingerprint, message_position(segment_num, message_num)) as car_fingerprint,
        arg_min(brand, message_position(segment_num, message_num)) as brand
    from log.car_params
    group by drive_id
),

clocks as (
    select
        drive_id,
        arg_max(
            wall_time_ns::hugeint - mono_ns,
            mono_ns::hugeint * 18446744073709551616
            + message_position(segment_num, message_num)
        ) as offset_ns
    from log.clock
    where clock_was_set(wall_time_ns)
    group by drive_id
),

fixes as (
    select
        drive_id,
        arg_max(unix_ms::hugeint * 1000000 - mono_ns, mono_ns) as offset_ns
    from log.gps
    where has_fix and clock_was_set(unix_ms::hugeint * 1000000)
    group by drive_id
),

final as (
    select
        drives.drive_id,
        case
            when clocks.offset_ns is not null then 'clocks'
            when fixes.offset_ns is not null then 'gps'
            when devices.offset_ns is not null then 'init_data'
            when drives.named_at is not null then 'name'
        end as clock_source,
        coalesce(
            make_timestamp(
                (
                    (
                        coalesce(facts.first_mono_ns, spans.start_mono_ns)::hugeint
                        + coalesce(clocks.offset_ns, fixes.offset_ns, devices.offset_ns)
                    ) // 1000
                )::bigint
            ),
            drives.named_at
        ) as started_at_utc,
        devices.version,
        devices.git_branch,
        devices.git_commit,
        devices.git_remote,
        case
            when devices.git_remote is null then null
            when devices.git_remote ilike '%commaai/%' then 'openpilot'
            when devices.git_remote ilike '%sunnypilot%' then 'sunnypilot'
            when devices.git_remote ilike '%frogai/%' or devices.git_remote ilike '%frogpilot%'
                then 'frogpilot'
            else regexp_extract(devices.git_remote, '([^/:]+)/[^/]+$', 1)
        end as fork,
        devices.device_type,
        cars.car_fingerprint,
        cars.brand
    from drives
    left join spans on drives.drive_id = spans.drive_id
    left join result.drive_facts as facts on drives.drive_id = facts.drive_id
    left join devices on drives.drive_id = devices.drive_id
    left join cars on drives.drive_id = cars.drive_id
    left join clocks on drives.drive_id = clocks.drive_id
    left join fixes on drives.drive_id = fixes.drive_id
)

select * from final;
