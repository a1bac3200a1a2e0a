-- Drives taken apart: by driving model, way of driving, hour, and by day or night.
--
-- grain:   one row per (drive_id, part_num)
-- null:    longitudinal_s where no source tells of it
-- why:     the parts of a drive add up to it. A part without known time is one only if something
--          happened in it; unknown is what the logs don't say
create or replace view compute.drive_parts as
with

sums as (
    select * from staging.mode_sums
    where part_num is not null
),

parts as (
    select
        drive_id,
        part_num,
        any_value(model) as model,
        any_value(experimental) as experimental,
        any_value(personality) as personality,
        any_value(hour) as hour,
        any_value(night) as night
    from result.part_spans
    group by drive_id, part_num
),

happened as (
    select
        parts.drive_id,
        parts.part_num,
        count(*) filter (where starts.mode = 'engaged') as n_engagements,
        count(*) filter (where takeovers.mode = 'engaged') as n_interventions
    from result.moment_parts as parts
    left join result.engagements as starts
        on parts.drive_id = starts.drive_id and parts.mono_ns = starts.start_mono_ns
    left join result.interventions as takeovers
        on parts.drive_id = takeovers.drive_id and parts.mono_ns = takeovers.event_mono_ns
    group by parts.drive_id, parts.part_num
),

final as (
    select
        parts.drive_id,
        parts.part_num,
        parts.model,
        parts.experimental,
        parts.personality,
        parts.hour,
        parts.night,
        coalesce(sums.known_ns, 0)::double / 1e9 as known_s,
        coalesce(sums.speed_known_ns, 0)::double / 1e9 as speed_known_s,
        coalesce(sums.moving_ns, 0)::double / 1e9 as moving_s,
        coalesce(sums.engaged_ns, 0)::double / 1e9 as engaged_s,
        coalesce(sums.moving_engaged_ns, 0)::double / 1e9 as moving_engaged_s,
        coalesce(sums.lateral_only_ns, 0)::double / 1e9 as lateral_only_s,
        case
            when facts.openpilot_longitudinal is not null
                then coalesce(sums.longitudinal_ns, 0)::double / 1e9
        end as longitudinal_s,
        coalesce(sums.override_ns, 0)::double / 1e9 as override_s,
        (coalesce(sums.distance_m, 0) / 1000)::double as distance_km,
        (coalesce(sums.known_m, 0) / 1000)::double as known_km,
        (coalesce(sums.engaged_m, 0) / 1000)::double as engaged_km,
        (coalesce(sums.lateral_only_m, 0) / 1000)::double as lateral_only_km,
        coalesce(happened.n_engagements, 0)::bigint as n_engagements,
        coalesce(happened.n_interventions, 0)::bigint as n_interventions
    from parts
    inner join sums on parts.drive_id = sums.drive_id and parts.part_num = sums.part_num
    inner join result.drive_facts as facts on parts.drive_id = facts.drive_id
    left join happened
        on parts.drive_id = happened.drive_id and parts.part_num = happened.part_num
    where sums.known_ns > 0 or happened.part_num is not null or sums.distance_m > 0
)

select * from final;
comment on column drive_parts.drive_id is 'number of the drive in this database';
comment on column drive_parts.dongle_id is 'the device';
comment on column drive_parts.drive is 'name of the drive, its log id';
comment on column drive_parts.part_num is 'number of the part in its drive';
comment on column drive_parts.model is 'the driving model and its revision as the fork logs them, else the one that the commit has built in; unknown where nothing says';
comment on column drive_parts.experimental is 'experimental or chill; unknown in logs before 0.9.0';
comment on column drive_parts.personality is 'of following: aggressive, standard or relaxed; unknown in logs before 0.9.3';
comment on column drive_parts.hour is 'hour of the local day, 00 to 23; unknown without local time';
comment on column drive_parts.night is 'night, with the sun more than {night_min_deg} degrees below the horizon, or day; unknown without clock or position';
comment on column drive_parts.known_s is 'time whose state is known';
comment on column drive_parts.speed_known_s is 'time of these whose speed is known';
comment on column drive_parts.moving_s is 'known time faster than {moving_min_mps} m/s';
comment on column drive_parts.engaged_s is 'time engaged';
comment on column drive_parts.moving_engaged_s is 'time engaged faster than {moving_min_mps} m/s';
comment on column drive_parts.lateral_only_s is 'time steering without being enabled';
comment on column drive_parts.longitudinal_s is 'time with speed controlled; null without carParams';
comment on column drive_parts.override_s is 'time engaged in which the driver steered or accelerated';
comment on column drive_parts.distance_km is 'integral of speed';
comment on column drive_parts.known_km is 'integral of speed in known time';
comment on column drive_parts.engaged_km is 'integral of speed while engaged';
comment on column drive_parts.lateral_only_km is 'integral of speed while only steering';
comment on column drive_parts.n_engagements is 'engagements that began in it';
comment on column drive_parts.n_interventions is 'interventions in it while engaged';
