-- The time in a drive's name, and whether the old system counted steering interventions then.
--
-- grain:   one row per drive_id
-- null:    recorded_at is null where the name is no date
create or replace view staging.legacy_drive_dates as
with

named as (
    select * from log.drive
),

parsed as (
    select
        drive_id,
        case
            when
                regexp_full_match(drive, '[0-9]{4}(-[0-9]{2}){2}-(-[0-9]{2}){3}')
                and drive >= '0001'
                then try_strptime(drive, '%Y-%m-%d--%H-%M-%S')
        end as recorded_at
    from named
),

final as (
    select
        drive_id,
        strftime(recorded_at, '%Y-%m-%dT%H:%M:%S') as recorded_at,
        coalesce(recorded_at >= timestamp '2025-07-07', false) as counts_steering
    from parsed
)

select * from final;
