-- The groups that each drive is in, with what it adds to them.
--
-- grain:   one row per (drive_id, grouped_by, group_name)
-- null:    log_kind and sums without a readable log; what such a group can't have
-- why:     a drive whose parts are in different groups is in each of them, with these parts
create or replace view drive_groups as
with

final as (
    select
        drive_id,
        grouped_by,
        group_name,
        bool_and(part_num is null and speed_band is null and mode is null) as is_whole,
        bool_or(speed_band is not null) as is_of_speed,
        any_value(log_kind) as log_kind,
        any_value(is_imported) as is_imported,
        sum(known_s) as known_s,
        sum(speed_known_s) as speed_known_s,
        sum(moving_s) as moving_s,
        sum(engaged_s) as engaged_s,
        sum(moving_engaged_s) as moving_engaged_s,
        sum(lateral_only_s) as lateral_only_s,
        sum(longitudinal_s) as longitudinal_s,
        sum(override_s) as override_s,
        sum(distance_km) as distance_km,
        sum(known_km) as known_km,
        sum(engaged_km) as engaged_km,
        sum(lateral_only_km) as lateral_only_km,
        sum(n_engagements)::bigint as n_engagements,
        sum(n_interventions)::bigint as n_interventions
    from part_groups
    group by drive_id, grouped_by, group_name
)

select * from final;
comment on column drive_groups.drive_id is 'number of the drive in this database';
comment on column drive_groups.grouped_by is '{groupings}, or two of them that were asked for';
comment on column drive_groups.group_name is 'the drive''s device, car fingerprint and so on; a month as 2025-07, a week as 2025-W27; unknown where the logs don''t say';
comment on column drive_groups.is_whole is 'all of the drive is in this group and in no other of the kind';
comment on column drive_groups.is_of_speed is 'what of the drive was at some speed is in this group';
comment on column drive_groups.log_kind is 'rlog, qlog (decimated: coarser), mixed, or imported';
comment on column drive_groups.is_imported is 'known only from an old engagement_db.json';
comment on column drive_groups.known_s is 'time of the drive in this group whose state is known';
comment on column drive_groups.speed_known_s is 'time of these whose speed is known; null in a speed band or mode';
comment on column drive_groups.moving_s is 'known time faster than {moving_min_mps} m/s';
comment on column drive_groups.engaged_s is 'time engaged';
comment on column drive_groups.moving_engaged_s is 'time engaged faster than {moving_min_mps} m/s';
comment on column drive_groups.lateral_only_s is 'time steering without being enabled';
comment on column drive_groups.longitudinal_s is 'time with speed controlled; null without carParams, and in a speed band or mode';
comment on column drive_groups.override_s is 'time engaged in which the driver steered or accelerated; null in a speed band';
comment on column drive_groups.distance_km is 'integral of speed';
comment on column drive_groups.known_km is 'integral of speed in known time';
comment on column drive_groups.engaged_km is 'integral of speed while engaged';
comment on column drive_groups.lateral_only_km is 'integral of speed while only steering';
comment on column drive_groups.n_engagements is 'engagements that began in it; null in a speed band';
comment on column drive_groups.n_interventions is 'interventions in it while engaged; null in a speed band';
