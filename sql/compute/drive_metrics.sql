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

sums as (
    select * from staging.mode_sums
    where part_num is null
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
        coalesce(sums.known_ns, 0) / 1e9 as known_s,
        (coalesce(sums.known_ns, 0) / nullif(facts.last_mono_ns - facts.first_mono_ns, 0))::double as coverage,
        least(coalesce(sums.speed_known_ns, 0), coalesce(sums.known_ns, 0)) / 1e9
            as speed_known_s,
        (
            least(coalesce(sums.speed_known_ns, 0), sums.known_ns) / nullif(sums.known_ns, 0)
        )::double as motion_coverage,
        coalesce(sums.moving_ns, 0) / 1e9 as moving_s,
        coalesce(sums.engaged_ns, 0) / 1e9 as engaged_s,
        coalesce(sums.moving_engaged_ns, 0) / 1e9 as moving_engaged_s,
        coalesce(sums.lateral_only_ns, 0) / 1e9 as lateral_only_s,
        case
            when facts.openpilot_longitudinal is not null
                then coalesce(sums.longitudinal_ns, 0) / 1e9
        end as longitudinal_s,
        (coalesce(sums.distance_m, 0) / 1000)::double as distance_km,
        (coalesce(sums.engaged_m, 0) / 1000)::double as engaged_km,
        (coalesce(sums.known_m, 0) / 1000)::double as known_km,
        (coalesce(sums.lateral_only_m, 0) / 1000)::double as lateral_only_km,
        coalesce(sums.override_ns, 0) / 1e9 as override_s,
        (coalesce(sums.engaged_ns, 0) / nullif(sums.known_ns, 0))::double as engaged_fraction,
        (coalesce(sums.moving_engaged_ns, 0) / nullif(sums.moving_ns, 0))::double
            as moving_engaged_fraction,
        (coalesce(sums.engaged_m, 0) / nullif(sums.known_m, 0))::double
            as distance_engaged_fraction,
        (
            (coalesce(sums.engaged_ns, 0) - coalesce(sums.override_ns, 0))
            / nullif(sums.known_ns, 0)
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
    left join sums on facts.drive_id = sums.drive_id
    left join engagement_counts on facts.drive_id = engagement_counts.drive_id
    left join counted on facts.drive_id = counted.drive_id
    left join override_counts on facts.drive_id = override_counts.drive_id
    left join intervention_counts on facts.drive_id = intervention_counts.drive_id
)

select * from final;
