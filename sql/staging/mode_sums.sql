-- Time and distance by mode of each part of a drive, and of the whole drive.
--
-- grain:   one row per (drive_id, part_num)
-- null:    part_num of the whole drive; a sum of times in which there is nothing of its kind
create or replace view staging.mode_sums as
with

times as (
    select
        drive_id,
        part_num,
        sum(end_mono_ns - start_mono_ns) filter (where mode <> 'unknown') as known_ns,
        sum(end_mono_ns - start_mono_ns) filter (where mode = 'engaged') as engaged_ns,
        sum(end_mono_ns - start_mono_ns) filter (where mode = 'lateral_only') as lateral_only_ns,
        sum(end_mono_ns - start_mono_ns) filter (where longitudinal_active) as longitudinal_ns
    from result.part_spans
    group by grouping sets ((drive_id), (drive_id, part_num))
),

motions as (
    select
        drive_id,
        part_num,
        sum(duration_ns) filter (where mode <> 'unknown') as speed_known_ns,
        sum(duration_ns) filter (where is_moving and mode <> 'unknown') as moving_ns,
        sum(duration_ns) filter (where is_moving and mode = 'engaged') as moving_engaged_ns,
        fsum(distance_m) as distance_m,
        fsum(distance_m) filter (where mode <> 'unknown') as known_m,
        fsum(distance_m) filter (where mode = 'engaged') as engaged_m,
        fsum(distance_m) filter (where mode = 'lateral_only') as lateral_only_m
    from result.interval_motion
    group by grouping sets ((drive_id), (drive_id, part_num))
),

overrides as (
    select drive_id, part_num, sum(override_ns) as override_ns
    from result.override_times
    group by grouping sets ((drive_id), (drive_id, part_num))
),

final as (
    select
        times.*,
        motions.* exclude (drive_id, part_num),
        overrides.override_ns
    from times
    left join motions
        on
            times.drive_id = motions.drive_id
            and times.part_num is not distinct from motions.part_num
    left join overrides
        on
            times.drive_id = overrides.drive_id
            and times.part_num is not distinct from overrides.part_num
)

select * from final;
