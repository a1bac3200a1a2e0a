-- The groups that each drive is in, with what tells how much its counts weigh.
--
-- grain:   one row per (drive_id, grouped_by)
-- null:    log_kind and exposure without a readable log; what the logs don't say makes the group
--          unknown
-- why:     imported drives have totals but no events, so they are in no group
create or replace view drive_groups as
with

final as (
    select
        drive_id,
        unnest(
            ['all', 'device', 'car', 'version', 'branch', 'commit', 'fork', 'month']
        ) as grouped_by,
        unnest(
            [
                'all',
                dongle_id,
                coalesce(car_fingerprint, 'unknown'),
                coalesce(version, 'unknown'),
                coalesce(git_branch, 'unknown'),
                coalesce(git_commit, 'unknown'),
                coalesce(fork, 'unknown'),
                coalesce(strftime(started_at, '%Y-%m'), 'unknown')
            ]
        ) as group_name,
        log_kind,
        known_s,
        speed_known_s,
        engaged_s,
        engaged_km,
        lateral_only_s,
        lateral_only_km
    from drives
    where not is_imported
)

select * from final;
comment on column drive_groups.drive_id is 'number of the drive in this database';
comment on column drive_groups.grouped_by is 'all, device, car, version, branch, commit, fork or month';
comment on column drive_groups.group_name is 'the drive''s device, car fingerprint and so on; its month as 2025-07; unknown where the logs don''t say';
comment on column drive_groups.log_kind is 'rlog, qlog (decimated: coarser) or mixed';
comment on column drive_groups.known_s is 'time of the drive whose state is known';
comment on column drive_groups.speed_known_s is 'time of these whose speed is known';
comment on column drive_groups.engaged_s is 'time of the drive engaged';
comment on column drive_groups.engaged_km is 'distance of the drive engaged';
comment on column drive_groups.lateral_only_s is 'time steering without being enabled';
comment on column drive_groups.lateral_only_km is 'distance driven so';
