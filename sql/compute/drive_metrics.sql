-- The numbers of a drive.
--
-- grain:   one row per drive_id
-- null:    fractions without exposure; longitudinal_s where no source tells of it; duration_s
--          without samples
-- why:     what names no mode is of mode engaged; a step of speed that goes on into unknown state
--          counts as long as the known one lasts
create or replace view compute.drive_metrics as
with

facts as (
    select drive_id, first_mono_ns, last_mono_ns, openpilot_longitudinal from result.drive_facts
),

times as (
    select
        drive_id,
        sum(end_mono_ns - start_mono_ns) filter (where mode <> 'unknown') as known_ns,
        sum(end_mono_ns - start_mono_ns) filter (where mode = 'engaged') as engaged_ns,
        sum(end_mono_ns - start_mono_ns) filter (where mode = 'lateral_only') as lateral_only_ns,
        sum(end_mono_ns - start_mono_ns) filter (where longitudinal_active) as longitudinal_ns
    from result.state_intervals
    group by drive_id
),

motions as (
    select
        drive_id,
        sum(duration_ns) filter (where mode <> 'unknown') as speed_known_ns,
        sum(duration_ns) filter (where is_moving and mode <> 'unknown') as moving_ns,
        sum(duration_ns) filter (where is_moving and mode = 'engaged') as moving_engaged_ns,
        fsum(distance_m) as distance_m,
        fsum(distance_m) filter (where mode <> 'unknown') as known_m,
        fsum(distance_m) filter (where mode = 'engaged') as engaged_m,
        fsum(distance_m) filter (where mode = 'lateral_only') as lateral_only_m
    from result.interval_motion
    group by drive_id
),

engagement_counts as (
    select
        drive_id,
        count(*) filter (where mode = 'engaged') as n_engagements,
        count(*) filter (where mode = 'lateral_only') as n_lateral_only_engagements,
        count(*) filter (where mode = 'engaged' and end_kind = 'disengagement')
            as n_disengagements,
        count(*) filter (where mode = 'lateral_only' and end_kind = 'disengagement')
            as n_lateral_only_disengagements
    from result.engagements
    group by drive_id
),

counted as (
    select drive_id, count(*) filter (where is_counted) as n_disengagements_counted
    from result.end_causes
    where mode = 'engaged'
    group by drive_id
),

override_counts as (
    select
        drive_id,
        count(*) filter (where axis = 'lateral' and mode = 'engaged') as n_lateral_overrides,
        count(*) filter (where axis = 'longitudinal') as n_longitudinal_overrides
    from result.overrides
    group by drive_id
),

intervention_counts as (
    select
        drive_id,
        count(*) filter (where mode = 'engaged') as n_interventions,
        count(*) filter (where mode = 'engaged' and (is_planned is distinct from true))
            as n_unplanned_interventions,
        count(*) filter (where mode = 'lateral_only') as n_lateral_only_interventions,
        count(*) filter (where mode = 'lateral_only' and (is_planned is distinct from true))
            as n_lateral_only_unplanned_interventions
    from result.interventions
    group by drive_id
),

override_sums as (
    select drive_id, sum(override_ns) as override_ns
    from result.override_times
    group by drive_id
),

final as (
    select
        facts.drive_id,
        facts.first_mono_ns,
        facts.openpilot_longitudinal,
        case
            when facts.openpilot_longitudinal then 'openpilot'
            when not facts.openpilot_longitudinal then 'stock'
        end as longitudinal_source,
        (facts.last_mono_ns - facts.first_mono_ns) / 1e9 as duration_s,
        coalesce(times.known_ns, 0) / 1e9 as known_s,
        (coalesce(times.known_ns, 0) / nullif(facts.last_mono_ns - facts.first_mono_ns, 0))::double as coverage,
        least(coalesce(motions.speed_known_ns, 0), coalesce(times.known_ns, 0)) / 1e9
            as speed_known_s,
        (
            least(coalesce(motions.speed_known_ns, 0), times.known_ns) / nullif(times.known_ns, 0)
        )::double as motion_coverage,
        coalesce(motions.moving_ns, 0) / 1e9 as moving_s,
        coalesce(times.engaged_ns, 0) / 1e9 as engaged_s,
        coalesce(motions.moving_engaged_ns, 0) / 1e9 as moving_engaged_s,
        coalesce(times.lateral_only_ns, 0) / 1e9 as lateral_only_s,
        case
            when facts.openpilot_longitudinal is not null
                then coalesce(times.longitudinal_ns, 0) / 1e9
        end as longitudinal_s,
        (coalesce(motions.distance_m, 0) / 1000)::double as distance_km,
        (coalesce(motions.engaged_m, 0) / 1000)::double as engaged_km,
        (coalesce(motions.known_m, 0) / 1000)::double as known_km,
        (coalesce(motions.lateral_only_m, 0) / 1000)::double as lateral_only_km,
        coalesce(override_sums.override_ns, 0) / 1e9 as override_s,
        (coalesce(times.engaged_ns, 0) / nullif(times.known_ns, 0))::double as engaged_fraction,
        (coalesce(motions.moving_engaged_ns, 0) / nullif(motions.moving_ns, 0))::double
            as moving_engaged_fraction,
        (coalesce(motions.engaged_m, 0) / nullif(motions.known_m, 0))::double
            as distance_engaged_fraction,
        (
            (coalesce(times.engaged_ns, 0) - coalesce(override_sums.override_ns, 0))
            / nullif(times.known_ns, 0)
        )::double as engaged_not_overriding_fraction,
        coalesce(engagement_counts.n_engagements, 0)::bigint as n_engagements,
        coalesce(engagement_counts.n_disengagements, 0)::bigint as n_disengagements,
        coalesce(counted.n_disengagements_counted, 0)::bigint as n_disengagements_counted,
        coalesce(override_counts.n_lateral_overrides, 0)::bigint as n_lateral_overrides,
        coalesce(override_counts.n_longitudinal_overrides, 0)::bigint as n_longitudinal_overrides,
        coalesce(intervention_counts.n_interventions, 0)::bigint as n_interventions,
        coalesce(intervention_counts.n_unplanned_interventions, 0)::bigint
            as n_unplanned_interventions,
        coalesce(engagement_counts.n_lateral_only_engagements, 0)::bigint
            as n_lateral_only_engagements,
        coalesce(engagement_counts.n_lateral_only_disengagements, 0)::bigint
            as n_lateral_only_disengagements,
        coalesce(intervention_counts.n_lateral_only_interventions, 0)::bigint
            as n_lateral_only_interventions,
        coalesce(intervention_counts.n_lateral_only_unplanned_interventions, 0)::bigint
            as n_lateral_only_unplanned_interventions
    from facts
    left join times on facts.drive_id = times.drive_id
    left join motions on facts.drive_id = motions.drive_id
    left join engagement_counts on facts.drive_id = engagement_counts.drive_id
    left join counted on facts.drive_id = counted.drive_id
    left join override_sums on facts.drive_id = override_sums.drive_id
    left join override_counts on facts.drive_id = override_counts.drive_id
    left join intervention_counts on facts.drive_id = intervention_counts.drive_id
)

select * from final;
