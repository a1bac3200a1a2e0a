-- What drives, their parts and these at some speed are grouped by, and what they add to a group.
--
-- grain:   one row per (drive_id, level, part_num, speed_band, mode)
-- null:    part_num of whole drives, speed_band of all speeds, mode of all modes; what a cell can't
--          have; never what it is grouped by, which is unknown where the logs don't say
-- why:     the columns that groups are made by have the names that engagement/groupings.py declares.
--          Engagements, interventions and overrides are of mode engaged
create or replace view staging.dimension_cells as
with

drive_cells as (
    select
        drive_id,
        dongle_id as device,
        coalesce(car_fingerprint, 'unknown') as car,
        coalesce(version, 'unknown') as version,
        coalesce(git_branch, 'unknown') as branch,
        coalesce(git_commit, 'unknown') as commit,
        coalesce(fork, 'unknown') as fork,
        coalesce(strftime(started_at, '%Y-%m'), 'unknown') as month,
        coalesce(strftime(started_at, '%G-W%V'), 'unknown') as week,
        coalesce(strftime(started_at_local, '%A'), 'unknown') as weekday,
        coalesce(log_kind, case when is_imported then 'imported' else 'unknown' end) as log_kind,
        is_imported,
        known_s,
        speed_known_s,
        moving_s,
        engaged_s,
        moving_engaged_s,
        lateral_only_s,
        longitudinal_s,
        override_s,
        distance_km,
        case when is_imported then distance_km else known_km end as known_km,
        engaged_km,
        lateral_only_km,
        n_engagements,
        n_interventions
    from main.drives
),

-- An imported drive is one part, of which nobody knows what drove.
part_cells as (
    select * from result.drive_parts
    union all by name
    select
        drive_id,
        0 as part_num,
        'unknown' as model,
        'unknown' as experimental,
        'unknown' as personality,
        'unknown' as hour,
        'unknown' as night,
        known_s,
        moving_s,
        engaged_s,
        moving_engaged_s,
        distance_km,
        known_km,
        engaged_km
    from drive_cells
    where is_imported
),

-- Bands in which something happened have a cell, with or without known time.
band_cells as (
    select *, distance_km as known_km
    from result.part_bands
    union all by name
    select distinct counts.drive_id, counts.part_num, counts.speed_band
    from result.event_counts as counts
    anti join result.part_bands as bands
        on
            counts.drive_id = bands.drive_id
            and counts.part_num = bands.part_num
            and counts.speed_band = bands.speed_band
    where not is_saved_moment(counts.event)
    union all by name
    select *, 0 as part_num, distance_km as known_km
    from staging.imported_bands
),

cells as (
    select
        *,
        'drive' as level,
        null::integer as part_num,
        'any' as model,
        'any' as experimental,
        'any' as personality,
        'any' as hour,
        'any' as night,
        null::varchar as speed_band
    from drive_cells
    union all by name
    select
        drives.* exclude (
            known_s, speed_known_s, moving_s, engaged_s, moving_engaged_s, lateral_only_s,
            longitudinal_s, override_s, distance_km, known_km, engaged_km, lateral_only_km,
            n_engagements, n_interventions
        ),
        'part' as level,
        parts.* exclude (drive_id)
    from part_cells as parts
    inner join drive_cells as drives on parts.drive_id = drives.drive_id
    union all by name
    select
        drives.* exclude (
            known_s, speed_known_s, moving_s, engaged_s, moving_engaged_s, lateral_only_s,
            longitudinal_s, override_s, distance_km, known_km, engaged_km, lateral_only_km,
            n_engagements, n_interventions
        ),
        'band' as level,
        coalesce(parts.model, 'unknown') as model,
        coalesce(parts.experimental, 'unknown') as experimental,
        coalesce(parts.personality, 'unknown') as personality,
        coalesce(parts.hour, 'unknown') as hour,
        coalesce(parts.night, 'unknown') as night,
        bands.* exclude (drive_id)
    from band_cells as bands
    inner join drive_cells as drives on bands.drive_id = drives.drive_id
    left join result.drive_parts as parts
        on bands.drive_id = parts.drive_id and bands.part_num = parts.part_num
),

moded as (
    select cells.*, modes.mode
    from cells
    cross join (values (null), ('engaged'), ('lateral_only'), ('neither')) as modes (mode)
),

final as (
    select
        * replace (
            in_mode(mode, engaged_s, lateral_only_s, known_s) as known_s,
            case when mode is null then speed_known_s end as speed_known_s,
            in_mode(mode, moving_engaged_s, null, moving_s) as moving_s,
            in_mode(mode, engaged_s, 0, engaged_s) as engaged_s,
            in_mode(mode, moving_engaged_s, 0, moving_engaged_s) as moving_engaged_s,
            in_mode(mode, 0, lateral_only_s, lateral_only_s) as lateral_only_s,
            case when mode is null then longitudinal_s end as longitudinal_s,
            in_mode(mode, override_s, 0, override_s) as override_s,
            in_mode(mode, engaged_km, lateral_only_km, distance_km) as distance_km,
            in_mode(mode, engaged_km, lateral_only_km, known_km) as known_km,
            in_mode(mode, engaged_km, 0, engaged_km) as engaged_km,
            in_mode(mode, 0, lateral_only_km, lateral_only_km) as lateral_only_km,
            in_mode(mode, n_engagements, 0, n_engagements) as n_engagements,
            in_mode(mode, n_interventions, 0, n_interventions) as n_interventions
        )
    from moded
)

select * from final;
