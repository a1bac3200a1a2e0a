-- Drives that are known only from an old engagement_db.json.
--
-- grain:   one row per drive_id
-- null:    whatever the entry lacks
-- why:     an entry gives way as soon as one of its drive's logs could be read, a copy too
create or replace view staging.imported_drives as
with

ingested as (
    select distinct abs(drive_id) as drive_id from log.segment where status <> 'failed'
),

final as (
    select
        imported_drive.drive_id,
        imported_drive.entry::json as entry,
        imported_drive.source_path,
        imported_drive.imported_at_utc
    from store.imported_drive
    left join ingested on imported_drive.drive_id = ingested.drive_id
    where ingested.drive_id is null
)

select * from final;
