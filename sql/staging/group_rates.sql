-- Rates of each event in each group of drives, with the dispersion and the limits of each.
--
-- grain:   one row per (grouped_by, group_name, mode, event, unit)
-- null:    the rate and all that follows from it without exposure
-- why:     few drives tell little of how much drives differ, so what other drives of the database
--          tell counts as well; where these are too few too, a dispersion that was seen elsewhere
create or replace view staging.group_rates as
with

sums as (
    select * from staging.group_sums
    union all by name
    select * from staging.moment_sums
),

known as (
    select
        members.*,
        known_dispersion(
            totals.n_drives - members.n_exposed_drives,
            totals.n_events - coalesce(members.n_exposed_events, 0),
            totals.exposure - members.exposure,
            totals.ratios - coalesce(members.ratios, 0),
            totals.squares - coalesce(members.squares, 0),
            totals.products - coalesce(members.products, 0),
            totals.exposure_squares - coalesce(members.exposure_squares, 0)
        ) as known_of_scope
    from sums as members
    left join main.event_totals as totals
        on
            members.mode = totals.mode
            and members.event = totals.event
            and members.unit = totals.unit
),

of_whole_drives as (
    select
        *,
        first_value(known_of_scope) over (
            partition by grouped_by, group_name, mode, event, unit order by scope desc
        ) as known_dispersion
    from known
),

own_sums as ( -- noqa: ST03
    select * from of_whole_drives
    where scope = 'own'
),

final as (
    select
        grouped_by,
        group_name,
        mode,
        event,
        unit,
        n_drives,
        n_qlog_drives,
        motion_coverage,
        n_events,
        exposure,
        rate,
        rate_lower,
        rate_upper,
        dispersion,
        dispersion_source
    from rate_limits('own_sums')
)

select * from final;
