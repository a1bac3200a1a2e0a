-- Who and what drove, when, and in which time zone.
--
-- grain:   one row per drive_id
-- null:    whatever the drive's logs don't say; started_at_utc without a clock that was set;
--          started_at_local where neither time zone nor name is known
-- why:     GPS time is right wherever the device's clock is not; of clocks the newest counts, as a
--          device may boot with a wrong one; a name has the device's local time
create or replace view compute.drive_identity as
with

named as (
    select drive_id, try_strptime(drive, '%Y-%m-%d--%H-%M-%S') as named_at
    from log.drive
),

drives as (
    select
        named.drive_id,
        case
            when
                clock_was_set(
                    epoch_us(named.named_at)::hugeint * 1000, ingests.ingested_at_utc
                )
                then named.named_at
        end as named_at
    from named
    left join staging.drive_ingests as ingests on named.drive_id = ingests.drive_id
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
        arg_min(device_type, message_position(segment_num, message_num)) as device_type
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

newest as (
    select
        drive_id,
        source,
        arg_max(offset_ns, message_order(mono_ns, segment_num, message_num)) as offset_ns
    from staging.wall_times
    where is_set
    group by drive_id, source
),

clocks as (
    select
        drive_id,
        arg_min(source, list_position(['gps', 'clocks', 'init_data'], source)) as source,
        arg_min(offset_ns, list_position(['gps', 'clocks', 'init_data'], source)) as offset_ns
    from newest
    group by drive_id
),

starts as (
    select
        drives.drive_id,
        drives.named_at,
        coalesce(clocks.source, case when drives.named_at is not null then 'name' end)
            as clock_source,
        make_timestamp(
            (
                (
                    coalesce(facts.first_mono_ns, spans.start_mono_ns)::hugeint
                    + clocks.offset_ns
                ) // 1000
            )::bigint
        ) as started_at_utc,
        zones.time_zone
    from drives
    left join spans on drives.drive_id = spans.drive_id
    left join result.drive_facts as facts on drives.drive_id = facts.drive_id
    left join clocks on drives.drive_id = clocks.drive_id
    left join staging.start_places as places on drives.drive_id = places.drive_id
    left join store.place_zone as zones
        on
            places.latitude_cell = zones.latitude_cell
            and places.longitude_cell = zones.longitude_cell
),

final as (
    select
        starts.drive_id,
        starts.clock_source,
        starts.started_at_utc,
        coalesce(
            (starts.started_at_utc at time zone 'UTC') at time zone starts.time_zone,
            starts.named_at
        ) as started_at_local,
        starts.time_zone,
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
    from starts
    left join devices on starts.drive_id = devices.drive_id
    left join cars on starts.drive_id = cars.drive_id
)

select * from final;
