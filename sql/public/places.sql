-- Cells of about 100 m that drives passed, and how many of them had an intervention there.
--
-- grain:   one row per (cell_row, cell_column)
-- null:    the fraction and its limits where no drive was engaged
-- why:     the share over all cells counts a drive once in each cell
create or replace view places as
with

limits as (
    select
        greatest(round(180 * 111320 / greatest(place_cell_m, 1)), 1) as n_rows,
        place_min_drives
    from result.thresholds
),

passed as (
    select
        cells.cell_row,
        cells.cell_column,
        cells.is_engaged,
        cells.n_interventions,
        cells.n_unplanned_interventions
    from result.passed_cells as cells
    inner join drives on cells.drive_id = drives.drive_id
),

cells as (
    select
        cell_row,
        cell_column,
        count(*) as n_drives,
        count(*) filter (where is_engaged) as n_engaged_drives,
        sum(n_interventions)::bigint as n_interventions,
        sum(n_unplanned_interventions)::bigint as n_unplanned_interventions,
        count(*) filter (where n_interventions > 0) as n_drives_with_intervention
    from passed
    group by cell_row, cell_column
),

totals as (
    select
        sum(n_drives_with_intervention)::double / nullif(sum(n_engaged_drives)::double, 0)
            as intervention_fraction
    from cells
),

located as (
    select
        cells.*,
        limits.n_rows,
        limits.place_min_drives,
        totals.intervention_fraction as total_fraction,
        (cells.cell_row + 0.5) / limits.n_rows * 180 - 90 as latitude,
        cells.n_drives_with_intervention / nullif(cells.n_engaged_drives, 0)
            as intervention_fraction
    from cells
    cross join limits
    cross join totals
),

bounded as (
    select
        *,
        greatest(round(2 * n_rows * cos(radians(latitude))), 1) as n_columns,
        wilson_lower(n_drives_with_intervention, n_engaged_drives) as lower_fraction,
        wilson_upper(n_drives_with_intervention, n_engaged_drives) as upper_fraction
    from located
),

final as (
    select
        cell_row,
        cell_column,
        latitude::double as latitude,
        ((cell_column + 0.5) / n_columns * 360 - 180)::double as longitude,
        n_drives,
        n_engaged_drives,
        n_interventions,
        n_unplanned_interventions,
        n_drives_with_intervention,
        intervention_fraction::double as intervention_fraction,
        lower_fraction::double as intervention_fraction_lower,
        upper_fraction::double as intervention_fraction_upper,
        coalesce(
            n_engaged_drives >= place_min_drives
            and n_drives_with_intervention >= 2
            and lower_fraction > total_fraction,
            false
        ) as is_hot_spot
    from bounded
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
comment on column places.is_hot_spot is 'at least {place_min_drives} drives were engaged there, 2 had an intervention, and the lower end is above the share over all cells';
comment on column places.n_unplanned_interventions is 'of these, those that were not planned';
