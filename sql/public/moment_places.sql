-- Cells of about 100 m in which saved moments happened, and how many drives passed them.
--
-- grain:   one row per (event, cell_row, cell_column)
-- null:    the name where no place has one
-- why:     a moment is where the last fix before it was, as interventions are. None is called a hot
--          spot: how often a moment is to be expected where it can be told differs from one to another
create or replace view moment_places as
with

grid as (
    select n_cell_rows(place_cell_m) as n_rows from result.thresholds
),

in_rows as (
    select
        events.drive_id,
        events.kind as event,
        events.longitude,
        cell_row_of(events.latitude, grid.n_rows) as cell_row,
        grid.n_rows
    from result.events as events
    inner join drives on events.drive_id = drives.drive_id
    cross join grid
    where is_saved_moment(events.kind) and events.latitude is not null
),

in_cells as (
    select
        *,
        cell_column_of(longitude, n_cell_columns(cell_row, n_rows)) as cell_column
    from in_rows
),

found as (
    select
        event,
        n_rows,
        cell_row::integer as cell_row,
        cell_column::integer as cell_column,
        count(*) as n_moments,
        count(distinct drive_id) as n_drives_with_moment
    from in_cells
    group by event, n_rows, cell_row, cell_column
),

passed as (
    select cells.cell_row, cells.cell_column, count(*) as n_drives
    from result.passed_cells as cells
    inner join drives on cells.drive_id = drives.drive_id
    group by cells.cell_row, cells.cell_column
),

located as (
    select
        found.*,
        passed.n_drives,
        ((found.cell_row + 0.5) / found.n_rows * 180 - 90)::double as latitude,
        (
            (found.cell_column + 0.5) / n_cell_columns(found.cell_row, found.n_rows) * 360 - 180
        )::double as longitude
    from found
    inner join passed
        on found.cell_row = passed.cell_row and found.cell_column = passed.cell_column
),

final as (
    select
        event,
        cell_row,
        cell_column,
        latitude,
        longitude,
        n_drives,
        n_moments,
        n_drives_with_moment,
        n_drives_with_moment / n_drives as moment_fraction,
        wilson_lower(n_drives_with_moment, n_drives)::double as moment_fraction_lower,
        wilson_upper(n_drives_with_moment, n_drives)::double as moment_fraction_upper,
        place_called(latitude, longitude) as place_name
    from located
)

select * from final;
comment on column moment_places.event is 'the saved moment, as in events: moment:NAME';
comment on column moment_places.cell_row is 'row of the cell, as in places';
comment on column moment_places.cell_column is 'column of the cell in its row, as in places';
comment on column moment_places.latitude is 'of the cell''s centre, degrees north';
comment on column moment_places.longitude is 'of the cell''s centre, degrees east';
comment on column moment_places.n_drives is 'drives with a GPS fix in it';
comment on column moment_places.n_moments is 'moments there: by the last fix, at most {position_max_age_s} s before';
comment on column moment_places.n_drives_with_moment is 'drives that had one there';
comment on column moment_places.moment_fraction is 'n_drives_with_moment / n_drives';
comment on column moment_places.moment_fraction_lower is 'lower end of its 95 % interval (Wilson)';
comment on column moment_places.moment_fraction_upper is 'upper end of its 95 % interval (Wilson)';
comment on column moment_places.place_name is 'what `engagement name --place` calls the place that it is in, the nearest one; null where nothing does';
