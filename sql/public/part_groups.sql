-- The groups that each drive, or each part of it, is in, with what it adds to them.
--
-- grain:   one row per (drive_id, grouped_by, group_name, part_num, speed_band, mode)
-- null:    part_num, speed_band and mode where the group takes all of the drive's; what such a part
--          can't have
-- why:     what stays the same in a drive groups whole drives. Imported drives are in groups with
--          what their entries have
create or replace view part_groups as
with

-- A value of each, so that a condition on grouped_by leaves the others uncomputed.
groupings as (
    select listed.grouped_by, listed.level from (
        values
        ('all', 'drive'), ('device', 'drive'), ('car', 'drive'), ('version', 'drive'),
        ('branch', 'drive'), ('commit', 'drive'), ('fork', 'drive'), ('model', 'part'),
        ('experimental', 'part'), ('personality', 'part'), ('month', 'drive'), ('week', 'drive'),
        ('weekday', 'drive'), ('hour', 'part'), ('night', 'part'), ('log_kind', 'drive'),
        ('speed_band', 'band'), ('mode', 'drive')
    ) as listed (grouped_by, level)
),

final as (
    select
        cells.drive_id,
        groupings.grouped_by,
        case groupings.grouped_by
            when 'all' then 'all'
            when 'device' then cells.device
            when 'car' then cells.car
            when 'version' then cells.version
            when 'branch' then cells.branch
            when 'commit' then cells.commit
            when 'fork' then cells.fork
            when 'model' then cells.model
            when 'experimental' then cells.experimental
            when 'personality' then cells.personality
            when 'month' then cells.month
            when 'week' then cells.week
            when 'weekday' then cells.weekday
            when 'hour' then cells.hour
            when 'night' then cells.night
            when 'log_kind' then cells.log_kind
            when 'speed_band' then cells.speed_band
            when 'mode' then cells.mode
        end as group_name,
        cells.* exclude (
            drive_id, level, device, car, version, branch, commit, fork, model, experimental,
            personality, month, week, weekday, hour, night
        )
    from staging.dimension_cells as cells
    inner join groupings
        on
            cells.level = groupings.level
            and (groupings.grouped_by = 'mode') = (cells.mode is not null)
)

select * from final;
comment on column part_groups.drive_id is 'number of the drive in this database';
comment on column part_groups.grouped_by is '{groupings}, or two of them that were asked for';
comment on column part_groups.group_name is 'the drive''s device, car fingerprint and so on; a month as 2025-07, a week as 2025-W27; unknown where the logs don''t say';
comment on column part_groups.part_num is 'the part of the drive that is in the group, as in drive_parts; null if all of them are';
comment on column part_groups.speed_band is 'speeds at which it is in the group; null if at any';
comment on column part_groups.mode is 'mode in which it is in the group: engaged, lateral_only or neither; null if in any';
comment on column part_groups.log_kind is 'rlog, qlog (decimated: coarser), mixed, or imported';
comment on column part_groups.is_imported is 'known only from an old engagement_db.json';
comment on column part_groups.known_s is 'time whose state is known';
comment on column part_groups.speed_known_s is 'time of these whose speed is known; null in a speed band or mode';
comment on column part_groups.moving_s is 'known time faster than {moving_min_mps} m/s';
comment on column part_groups.engaged_s is 'time engaged';
comment on column part_groups.moving_engaged_s is 'time engaged faster than {moving_min_mps} m/s';
comment on column part_groups.lateral_only_s is 'time steering without being enabled';
comment on column part_groups.longitudinal_s is 'time with speed controlled; null without carParams, and in a speed band or mode';
comment on column part_groups.override_s is 'time engaged in which the driver steered or accelerated; null in a speed band';
comment on column part_groups.distance_km is 'integral of speed';
comment on column part_groups.known_km is 'integral of speed in known time';
comment on column part_groups.engaged_km is 'integral of speed while engaged';
comment on column part_groups.lateral_only_km is 'integral of speed while only steering';
comment on column part_groups.n_engagements is 'engagements that began in it; null in a speed band';
comment on column part_groups.n_interventions is 'interventions in it while engaged; null in a speed band';
