-- What groups of drives were like: engaged shares, clean drives, and how long engagements last.
--
-- grain:   one row per (grouped_by, group_name)
-- null:    shares without exposure; the median and its limits where the curve does not come down
--          so far; in a speed band what only whole drives have
create or replace view groups as
with

engagements_of as (
    select * from staging.group_engagements
),

longest_stretches as (
    select drive_id, max(engaged_km) as longest_clean_km
    from result.clean_stretches
    group by drive_id
),

members as (
    select
        drive_groups.*,
        (drive_groups.log_kind in ('qlog', 'mixed')) as has_qlog,
        case when drive_groups.speed_known_s is not null then drive_groups.known_s end
            as speed_told_s,
        case when drive_groups.lateral_only_s is not null then drive_groups.known_s end
            as lateral_told_s,
        case when drive_groups.override_s is not null then drive_groups.known_s end
            as override_told_s,
        case when drive_groups.override_s is not null then drive_groups.engaged_s end
            as engaged_told_s,
        case when drive_groups.longitudinal_s is not null then drive_groups.known_s end
            as longitudinal_known_s,
        (drive_groups.engaged_s > 0 and drive_groups.n_interventions is not null) as is_engaged,
        (drive_groups.engaged_s > 0 and drive_groups.n_interventions = 0) as is_clean,
        longest_stretches.longest_clean_km
    from drive_groups
    left join longest_stretches
        on
            drive_groups.drive_id = longest_stretches.drive_id
            and drive_groups.is_whole
),

sums as (
    select
        grouped_by,
        group_name,
        count(*) as n_drives,
        count(*) filter (where has_qlog) as n_qlog_drives,
        count(*) filter (where is_imported) as n_imported_drives,
        fsum(speed_told_s) as speed_told_s,
        fsum(lateral_told_s) as lateral_told_s,
        fsum(override_told_s) as override_told_s,
        fsum(engaged_told_s) as engaged_told_s,
        fsum(known_s) as known_s,
        fsum(speed_known_s) as speed_known_s,
        fsum(engaged_s) as engaged_s,
        fsum(moving_s) as moving_s,
        fsum(moving_engaged_s) as moving_engaged_s,
        fsum(lateral_only_s) as lateral_only_s,
        fsum(longitudinal_s) as longitudinal_s,
        fsum(longitudinal_known_s) as longitudinal_known_s,
        fsum(override_s) as override_s,
        fsum(distance_km) as distance_km,
        fsum(engaged_km) as engaged_km,
        fsum(known_km) as known_km,
        sum(n_engagements) as n_engagements,
        count(*) filter (where is_engaged) as n_engaged_drives,
        count(*) filter (where is_clean) as n_clean_drives,
        max(longest_clean_km) as longest_clean_km,
        not bool_or(is_of_speed) as is_of_drives
    from members
    group by grouped_by, group_name
),

curve as (
    select grouped_by, group_name, duration_s, n_at_risk, n_ended, survival_fraction
    from engagement_lengths
),

-- The rounding takes away what the curve's sum of logarithms adds to an exact half.
medians as (
    select
        grouped_by,
        group_name,
        min(duration_s) filter (where round(survival_fraction, 12) <= 0.5) as median_s,
        max(duration_s) as last_s
    from curve
    group by grouped_by, group_name
),

lengths as (
    select
        of_group.*,
        of_group.is_end and of_group.duration_s <= coalesce(medians.median_s, medians.last_s)
            as is_until_median
    from lengths_at_risk('engagements_of') as of_group
    inner join medians
        on
            of_group.grouped_by = medians.grouped_by
            and of_group.group_name = medians.group_name
),

hazards as (
    select
        grouped_by,
        group_name,
        length_num,
        case when is_until_median then 1 / n_at_risk else 0 end as own_influence,
        sum(exact(case when is_until_median then n_equal / (n_at_risk * n_at_risk) else 0 end))
            over until_now as others_influence,
        sum(exact(case when is_end then n_equal / n_at_risk else 0 end)) over until_now
            as n_ends_expected,
        sum(exact(case when is_end then 0 else n_equal / n_at_risk end)) over until_now
            as n_cuts_expected
    from lengths
    window
        until_now as (
            partition by grouped_by, group_name order by length_num
            rows between unbounded preceding and current row
        )
),

-- What the engagements of each drive add to the logarithm of the curve at the median, and how many
-- more of them ended, or were cut short, than those of all drives would have.
of_drives as (
    select
        own.grouped_by,
        own.group_name,
        own.drive_id,
        sum(exact(hazards.own_influence - hazards.others_influence::double))::double as influence,
        sum(exact(own.is_end::integer - hazards.n_ends_expected::double))::double
        * sum(exact((not own.is_end)::integer - hazards.n_cuts_expected::double))::double
            as ends_by_cuts
    from engagements_of as own
    inner join hazards
        on
            own.grouped_by = hazards.grouped_by
            and own.group_name = hazards.group_name
            and own.length_num = hazards.length_num
    group by own.grouped_by, own.group_name, own.drive_id
),

-- Where ends and cuts of drives go together, the curve is of other drives at its end than at its
-- start: it is too long if drives with short engagements are cut soon.
errors as (
    select
        grouped_by,
        group_name,
        t_95(count(*) - 1)
        * sqrt(sum(exact(influence * influence))::double * count(*) / (count(*) - 1)) / ln(2)
            as reach,
        sum(exact(ends_by_cuts))::double
        / nullif(sqrt(sum(exact(ends_by_cuts * ends_by_cuts))::double), 0) as ends_by_cuts_t,
        case
            when abs(ends_by_cuts_t) > t_95(count(*) - 1)
                then case when ends_by_cuts_t > 0 then 'too long' else 'too short' end
        end as bias
    from of_drives
    group by grouped_by, group_name
    having count(*) >= (select median_min_drives from result.thresholds)
),

median_limits as (
    select
        curve.grouped_by,
        curve.group_name,
        any_value(errors.bias) as bias,
        min(curve.duration_s) filter (
            where curve.survival_fraction <= pow(0.5, exp(-errors.reach))
        ) as lower_s,
        min(curve.duration_s) filter (
            where curve.survival_fraction <= pow(0.5, exp(errors.reach))
        ) as upper_s
    from curve
    inner join errors
        on curve.grouped_by = errors.grouped_by and curve.group_name = errors.group_name
    group by curve.grouped_by, curve.group_name
),

shares as (
    select
        *,
        n_clean_drives / nullif(n_engaged_drives, 0) as clean_fraction
    from sums
),

final as (
    select
        shares.grouped_by,
        shares.group_name,
        shares.n_drives::bigint as n_drives,
        shares.n_qlog_drives::bigint as n_qlog_drives,
        shares.n_imported_drives::bigint as n_imported_drives,
        coalesce(shares.known_s, 0) / 3600 as known_h,
        shares.speed_known_s / nullif(shares.speed_told_s, 0) as motion_coverage,
        coalesce(shares.engaged_s, 0) / 3600 as engaged_h,
        coalesce(shares.distance_km, 0) as distance_km,
        coalesce(shares.engaged_km, 0) as engaged_km,
        shares.engaged_s / nullif(shares.known_s, 0) as engaged_fraction,
        shares.moving_engaged_s / nullif(shares.moving_s, 0) as moving_engaged_fraction,
        shares.engaged_km / nullif(shares.known_km, 0) as distance_engaged_fraction,
        shares.lateral_only_s / nullif(shares.lateral_told_s, 0) as lateral_only_fraction,
        shares.longitudinal_s / nullif(shares.longitudinal_known_s, 0)
            as longitudinal_fraction,
        shares.override_s / nullif(shares.override_told_s, 0) as override_fraction,
        (shares.engaged_told_s - shares.override_s) / nullif(shares.override_told_s, 0)
            as engaged_not_overriding_fraction,
        case when shares.is_of_drives then shares.n_engaged_drives::bigint end
            as n_engaged_drives,
        case when shares.is_of_drives then shares.n_clean_drives::bigint end
            as n_clean_drives,
        shares.clean_fraction as clean_drive_fraction,
        wilson_lower(shares.n_clean_drives, shares.n_engaged_drives) as clean_drive_fraction_lower,
        wilson_upper(shares.n_clean_drives, shares.n_engaged_drives) as clean_drive_fraction_upper,
        shares.longest_clean_km,
        shares.n_engagements::bigint as n_engagements,
        medians.median_s as engagement_median_s,
        median_limits.lower_s as engagement_median_lower_s,
        median_limits.upper_s as engagement_median_upper_s,
        median_limits.bias as engagement_median_bias
    from shares
    left join medians
        on
            shares.grouped_by = medians.grouped_by
            and shares.group_name = medians.group_name
    left join median_limits
        on
            shares.grouped_by = median_limits.grouped_by
            and shares.group_name = median_limits.group_name
)

select * from final;
comment on column groups.grouped_by is '{groupings}, or two of them that were asked for';
comment on column groups.group_name is 'which group of these; unknown where the logs don''t say';
comment on column groups.n_drives is 'drives in the group, all or parts of each; in a speed band those that were so fast';
comment on column groups.n_qlog_drives is 'drives of them that were read from qlogs, all or in part, which are coarser';
comment on column groups.n_imported_drives is 'drives of them that are known only from an old engagement_db.json: with exposure, but without events of ours';
comment on column groups.known_h is 'time whose state is known';
comment on column groups.motion_coverage is 'share of the known time whose speed is known: what distances are of; null without any, and in a speed band or mode';
comment on column groups.engaged_h is 'time engaged';
comment on column groups.distance_km is 'distance driven';
comment on column groups.engaged_km is 'distance driven while engaged';
comment on column groups.engaged_fraction is 'engaged share of the known time; null without any';
comment on column groups.moving_engaged_fraction is 'engaged share of the time faster than {moving_min_mps} m/s; null without moving';
comment on column groups.distance_engaged_fraction is 'engaged share of the distance driven in known time; null without distance';
comment on column groups.lateral_only_fraction is 'share of the known time with steering alone; null without any';
comment on column groups.longitudinal_fraction is 'share of the known time with speed controlled, of drives that say who controls it; null without any, in a speed band or mode';
comment on column groups.override_fraction is 'share of the known time in which the driver overrode steering or speed; null without any, and in a speed band';
comment on column groups.n_engaged_drives is 'drives with engaged time; null in a speed band';
comment on column groups.n_clean_drives is 'drives of these without an intervention; null in a speed band';
comment on column groups.clean_drive_fraction is 'n_clean_drives / n_engaged_drives; null without such drives, and in a speed band';
comment on column groups.clean_drive_fraction_lower is 'lower limit of its 95 % interval (Wilson); null as it is';
comment on column groups.clean_drive_fraction_upper is 'upper limit of its 95 % interval (Wilson); null as it is';
comment on column groups.longest_clean_km is 'longest engaged distance in a drive without an intervention; null where only parts of drives are in the group';
comment on column groups.n_engagements is 'engagements, censored ones included; null in a speed band';
comment on column groups.engagement_median_s is 'how long half of the engagements last (Kaplan-Meier); null where the curve stays above a half, and in a speed band';
comment on column groups.engagement_median_lower_s is 'lower limit of its 95 % interval, by drives; null with fewer than {median_min_drives} of them, and in a speed band';
comment on column groups.engagement_median_upper_s is 'upper limit of its 95 % interval, likewise; null where the curve does not come down so far, and in a speed band';
comment on column groups.engagement_median_bias is 'what the median and its limits are, if drives whose engagements end soon are cut soon: too long, or late: too short; else null';
comment on column groups.engaged_not_overriding_fraction is 'engaged time in which the driver did not override, of the known time; null in a speed band';
