-- The old system's debug_events.json: steering interventions, each once.
--
-- grain:   one row per (device_id, drive, event_num)
-- null:    drive_id of an imported event whose drive is not in the database; device_id and
--          segment_num where its rlog_path doesn't say them; mono_ns of every imported event
-- why:     imported events give way as soon as one of their drive's logs is ingested
create or replace view legacy_debug_events as
with

found as (
    select * from result.legacy_debug_events
),

named as (
    select * from log.drive
),

logs as (
    select distinct drive_id from log.segment
),

ingested as (
    select
        found.drive_id,
        named.dongle_id as device_id,
        found.drive,
        row_number() over (
            partition by found.drive_id order by found.segment_num, found.message_num
        )::bigint as event_num,
        found.segment_num,
        found.mono_ns,
        false as is_imported,
        found.rlog_path,
        found.event_type,
        found.time_in_segment_s,
        found.reason
    from found
    inner join named on found.drive_id = named.drive_id
),

-- The path is ./rlogs/<device>/<drive>--<segment>/<file>.
parsed as (
    select
        rowid as import_num,
        nullif(regexp_extract(rlog_path, '([^/]+)/[^/]+/[^/]+$', 1), '') as folder,
        drive,
        regexp_extract(rlog_path, '--([0-9]{1,6})/[^/]+$', 1) as number,
        rlog_path,
        event_type,
        time_in_segment_s,
        reason
    from store.imported_debug_event
),

devices as (
    select
        import_num,
        case
            when regexp_full_match(folder, '[0-9A-Fa-f]{8}([0-9A-Fa-f]{8})?') then lower(folder)
            else folder
        end as device_id,
        drive,
        try_cast(number as integer) as segment_num,
        rlog_path,
        event_type,
        time_in_segment_s,
        reason
    from parsed
),

imported as (
    select
        named.drive_id,
        devices.device_id,
        devices.drive,
        row_number() over (
            partition by devices.device_id, devices.drive
            order by devices.segment_num, devices.import_num
        )::bigint as event_num,
        devices.segment_num,
        null::bigint as mono_ns,
        true as is_imported,
        devices.rlog_path,
        devices.event_type,
        devices.time_in_segment_s,
        devices.reason
    from devices
    left join named on devices.device_id = named.dongle_id and devices.drive = named.drive
    left join logs on named.drive_id = logs.drive_id
    where logs.drive_id is null
),

final as (
    select * from ingested
    union all by name
    select * from imported
)

select * from final;
comment on column legacy_debug_events.drive_id is 'number of the drive in this database; null for an imported event of a drive that is not in it';
comment on column legacy_debug_events.device_id is 'the device: the folder of its logs; null where the rlog_path of an imported event has none';
comment on column legacy_debug_events.drive is 'name of the drive, its log id';
comment on column legacy_debug_events.event_num is 'place of the event in its drive, 1 for the first';
comment on column legacy_debug_events.segment_num is 'number of the segment; null where the rlog_path of an imported event has none';
comment on column legacy_debug_events.mono_ns is 'logMonoTime of the CAN frame; null for an imported event';
comment on column legacy_debug_events.is_imported is 'read in an old debug_events.json; no log of the drive was ingested';
comment on column legacy_debug_events.rlog_path is 'path of the log as the old system had it: ./rlogs/<device>/<drive>--<segment>/<file>';
comment on column legacy_debug_events.event_type is 'steer_intervention, or what the imported file has';
comment on column legacy_debug_events.time_in_segment_s is 'time since the first controlsState of the segment; since boot if none came before';
comment on column legacy_debug_events.reason is 'the old sentence, with the torque difference at 2 decimals';
