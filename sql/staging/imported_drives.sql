-- Drives that are known only from an old engagement_db.json.
--
-- grain:   one row per drive_id
-- null:    whatever the entry lacks; started_at_utc where recorded_at has no offset, started_at_local
--          where only UTC is known, either where its clock was not set
-- why:     an entry gives way as soon as one of its drive's logs could be read, a copy too. The oldest
--          entries have the time in the drive's name, newer ones that of initData, in UTC or with an
--          offset, with fractions of a second or without
create or replace view staging.imported_drives as
with

ingested as (
    select distinct abs(drive_id) as drive_id from log.segment where status <> 'failed'
),

entries as (
    select
        imported_drive.drive_id,
        imported_drive.entry::json as entry,
        imported_drive.source_path,
        imported_drive.imported_at_utc
    from store.imported_drive
    left join ingested on imported_drive.drive_id = ingested.drive_id
    where ingested.drive_id is null
),

told as (
    select
        entries.*,
        regexp_extract(
            entries.entry ->> 'recorded_at',
            '^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}:[0-9]{2}:[0-9]{2})([.,][0-9]{1,9})?'
            || '(Z|[+-][0-9]{2}:?[0-9]{2})?$',
            ['day', 'clock', 'fraction', 'zone']
        ) as parts,
        dates.recorded_at::timestamp as named_at
    from entries
    left join staging.legacy_drive_dates as dates on entries.drive_id = dates.drive_id
),

parsed as (
    select
        *,
        try_strptime(parts.day || ' ' || parts.clock, '%Y-%m-%d %H:%M:%S')
        + to_microseconds(
            coalesce(try_cast('0.' || parts.fraction[2:] as decimal(12, 9)) * 1000000, 0)::bigint
        ) as recorded_at,
        case
            when parts.zone = 'Z' then 0
            when parts.zone <> ''
                then
                    case when parts.zone[1] = '-' then -60 else 60 end
                    * (parts.zone[2:3]::integer * 60 + right(parts.zone, 2)::integer)
        end as offset_s
    from told
),

placed as (
    select
        *,
        case when abs(offset_s) <= 86400 then recorded_at - to_seconds(offset_s) end as utc,
        case
            when offset_s = 0 or recorded_at is null then named_at
            else recorded_at
        end as local_time
    from parsed
),

final as (
    select
        drive_id,
        entry,
        source_path,
        imported_at_utc,
        (entry ->> 'active_time')::double / 1e9 as engaged_s,
        (entry ->> 'engaged_distance')::double as engaged_km,
        case
            when clock_was_set(epoch_us(utc)::hugeint * 1000, imported_at_utc) then utc
        end as started_at_utc,
        case
            when clock_was_set(epoch_us(local_time)::hugeint * 1000, imported_at_utc)
                then local_time
        end as started_at_local
    from placed
)

select * from final;
