-- Cells of about 100 m that drives passed, and how many of them had an intervention there.
--
-- grain:   one row per (cell_row, cell_column)
-- null:    the fraction and its limits where no drive was engaged
-- why:     many cells are tested, so what is held is the false discovery rate: of the cells that are
--          called hot spots, 5 % are none on average (Benjamini and Hochberg). A drive in which
--          somebody intervenes often does so everywhere: each is expected to have interventions in
--          a cell by its own share of cells with one
create or replace view places as
with

limits as (
    select
        n_cell_rows(place_cell_m) as n_rows,
        place_min_drives,
        hot_spot_false_discovery
    from result.thresholds
),

passed as (
    select
        cells.drive_id,
        cells.cell_row,
        cells.cell_column,
        cells.is_engaged,
        cells.n_interventions,
        cells.n_unplanned_interventions
    from result.passed_cells as cells
    inner join drives on cells.drive_id = drives.drive_id
),

own_shares as (
    select
        drive_id,
        exact(
            count(*) filter (where n_interventions > 0)
            / nullif(count(*) filter (where is_engaged), 0)
        ) as intervention_fraction
    from passed
    group by drive_id
),

cells as (
    select
        passed.cell_row,
        passed.cell_column,
        count(*) as n_drives,
        count(*) filter (where passed.is_engaged) as n_engaged_drives,
        sum(passed.n_interventions)::bigint as n_interventions,
        sum(passed.n_unplanned_interventions)::bigint as n_unplanned_interventions,
        count(*) filter (where passed.n_interventions > 0) as n_drives_with_intervention,
        coalesce(
            sum(own_shares.intervention_fraction) filter (where passed.is_engaged), 0
        )::double as n_expected_drives
    from passed
    inner join own_shares on passed.drive_id = own_shares.drive_id
    group by passed.cell_row, passed.cell_column
),

tested as (
    select
        cell_row,
        cell_column,
        binomial_tail(
            n_drives_with_intervention, n_engaged_drives, n_expected_drives / n_engaged_drives
        ) as p_value
    from cells
    where n_engaged_drives >= (select greatest(place_min_drives, 1) from limits)
),

ranked as (
    select
        cell_row,
        cell_column,
        p_value,
        p_value * count(*) over () / row_number() over (order by p_value) as raised_p_value
    from tested
),

discoveries as (
    select
        cell_row,
        cell_column,
        min(raised_p_value) over (
            order by p_value range between current row and unbounded following
        ) as q_value
    from ranked
),

bounded as (
    select
        cells.*,
        limits.n_rows,
        limits.hot_spot_false_discovery,
        (cells.cell_row + 0.5) / limits.n_rows * 180 - 90 as latitude,
        wilson_lower(cells.n_drives_with_intervention, cells.n_engaged_drives) as lower_fraction,
        wilson_upper(cells.n_drives_with_intervention, cells.n_engaged_drives) as upper_fraction,
        discoveries.q_value
    from cells
    cross join limits
    left join discoveries
        on
            cells.cell_row = discoveries.cell_row
            and cells.cell_column = discoveries.cell_column
),

located as (
    select
        *,
        (
            (cell_column + 0.5) / n_cell_columns(cell_row, n_rows) * 360 - 180
        )::double as longitude
    from bounded
),

final as (
    select
        located.cell_row,
        located.cell_column,
        latitude::double as latitude,
        longitude,
        n_drives,
        n_engaged_drives,
        n_interventions,
        n_unplanned_interventions,
        n_drives_with_intervention,
        n_expected_drives,
        (n_drives_with_intervention / nullif(n_engaged_drives, 0))::double
            as intervention_fraction,
        lower_fraction::double as intervention_fraction_lower,
        upper_fraction::double as intervention_fraction_upper,
        q_value,
        coalesce(q_value <= hot_spot_false_discovery, false) as is_hot_spot,
        place_called(located.latitude, located.longitude) as place_name
    from located
)

select * from final;
comment on column places.cell_row is 'row of the cell, counted from the south pole';
comment on column places.cell_column is 'column of the cell in its row, counted eastwards from 180 degrees; cell_row and cell_column together name a cell';
comment on column places.latitude is 'of the cell''s centre, degrees north';
comment on column places.longitude is 'of the cell''s centre, degrees east';
comment on column places.n_drives is 'drives with a GPS fix in it';
comment on column places.n_engaged_drives is 'drives that were engaged there: at one of the fixes, or intervening';
comment on column places.n_interventions is 'interventions there: by the last fix, at most {position_max_age_s} s before';
comment on column places.n_drives_with_intervention is 'drives that had an intervention there';
comment on column places.intervention_fraction is 'n_drives_with_intervention / n_engaged_drives; null where no drive was engaged';
comment on column places.intervention_fraction_lower is 'lower end of its 95 % interval (Wilson); null where no drive was engaged';
comment on column places.intervention_fraction_upper is 'upper end of its 95 % interval (Wilson); null where no drive was engaged';
comment on column places.is_hot_spot is 'more drives had an intervention there than they lead to expect: q_value is at most {hot_spot_false_discovery}';
comment on column places.n_unplanned_interventions is 'of these, those that were not planned';
comment on column places.n_expected_drives is 'drives of those engaged there that are expected to intervene: the sum of each one''s share of cells with an intervention';
comment on column places.q_value is 'share of false ones among hot spots of this or a lower value (Benjamini-Hochberg); null with fewer than {place_min_drives} engaged drives';
comment on column places.place_name is 'what `engagement name --place` calls the place that it is in, the nearest one; null where nothing does';
