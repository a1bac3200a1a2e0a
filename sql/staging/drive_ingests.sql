-- When a drive was ingested, or imported: the last time.
--
-- grain:   one row per drive_id
-- null:    never
-- why:     a drive is over by then, so no clock of it shows a later day
create or replace view staging.drive_ingests as
with

ingests as (
    select drive_id, ingested_at_utc from log.segment
    union all
    select drive_id, imported_at_utc from store.imported_drive
),

final as (
    select drive_id, max(ingested_at_utc) as ingested_at_utc
    from ingests
    group by drive_id
)

select * from final;
