-- How long engagements last until a disengagement, in groups of drives: Kaplan-Meier curves.
--
-- grain:   one row per (grouped_by, group_name, duration_s)
-- null:    the limits where none is left
-- why:     an engagement that ends with the drive, with the log or in a gap would have gone on for
--          nobody knows how long: it is censored; one whose start is not known is left out.
--          Variances are Greenwood's. The limits take engagements for independent, which those of a
--          drive are not: the median's in groups go by drives
create or replace view engagement_lengths as
with

of_groups as ( -- noqa: ST03
    select * from staging.group_engagements
),

left_over as (
    select *, nullif(n_at_risk - n_equal, 0) as n_left
    from lengths_at_risk('of_groups')
    where is_end
),

survived as (
    select
        *,
        sum(ln(n_left / n_at_risk)) over until_now as log_fraction,
        sum(n_equal / (n_left * n_at_risk)) over until_now as variance
    from left_over
    window
        until_now as (
            partition by grouped_by, group_name order by length_num
            rows between unbounded preceding and current row
        )
),

final as (
    select
        grouped_by,
        group_name,
        duration_s,
        n_at_risk,
        n_equal as n_ended,
        case when n_left is null then 0 else exp(log_fraction) end as survival_fraction,
        case
            when n_left is not null
                then exp(log_fraction * exp(z_95() * sqrt(variance) / abs(log_fraction)))
        end as survival_lower_fraction,
        case
            when n_left is not null
                then exp(log_fraction * exp(-z_95() * sqrt(variance) / abs(log_fraction)))
        end as survival_upper_fraction
    from survived
)

select * from final;
comment on column engagement_lengths.grouped_by is '{groupings} (speed_band aside), or two of them that were asked for';
comment on column engagement_lengths.group_name is 'which group of these; unknown where the logs don''t say';
comment on column engagement_lengths.duration_s is 'how long an engagement lasted that ended in a disengagement';
comment on column engagement_lengths.n_at_risk is 'engagements that lasted at least so long';
comment on column engagement_lengths.n_ended is 'disengagements after just so long';
comment on column engagement_lengths.survival_fraction is 'estimated share of engagements that last longer';
comment on column engagement_lengths.survival_lower_fraction is 'lower limit of its 95 % interval (log-log), were engagements independent; null where none is left';
comment on column engagement_lengths.survival_upper_fraction is 'upper limit of its 95 % interval (log-log), were engagements independent; null where none is left';
