-- Cells of the ground that a drive's GPS fixes lie in.
--
-- grain:   one row per (drive_id, cell_row, cell_column)
-- null:    never
-- why:     a degree of latitude is taken as 111 320 m, a 360th of the equator of WGS 84; rows and
--          columns are whole in number, so none is cut off at the poles or at 180 degrees
create or replace view compute.passed_cells as
with

grid as (
    select
        n_cell_rows(place_cell_m) as n_rows,
        position_max_age_ns
    from result.thresholds
),

in_rows as (
    select
        fixes.drive_id,
        fixes.mono_ns,
        fixes.longitude,
        grid.n_rows,
        cell_row_of(fixes.latitude, grid.n_rows) as cell_row
    from staging.fixes as fixes
    cross join grid
),

in_circles as (
    select
        drive_id,
        mono_ns,
        longitude,
        cell_row,
        n_cell_columns(cell_row, n_rows) as n_columns
    from in_rows
),

places as (
    select
        drive_id,
        mono_ns,
        cell_row::integer as cell_row,
        cell_column_of(longitude, n_columns)::integer as cell_column
    from in_circles
),

engaged_seconds as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        unnest(seconds_between(start_mono_ns, end_mono_ns)) as mono_second
    from result.state_intervals
    where mode = 'engaged'
),

visits as (
    select
        places.drive_id,
        places.cell_row,
        places.cell_column,
        (engaged.drive_id is not null) as is_engaged,
        0 as n_interventions,
        0 as n_unplanned_interventions
    from places
    left join engaged_seconds as engaged
        on
            places.drive_id = engaged.drive_id
            and places.mono_ns // 1000000000 = engaged.mono_second
            and places.mono_ns >= engaged.start_mono_ns
            and places.mono_ns < engaged.end_mono_ns
),

interventions as (
    select
        moments.drive_id,
        places.cell_row,
        places.cell_column,
        true as is_engaged,
        1 as n_interventions,
        (moments.is_planned is distinct from true)::integer as n_unplanned_interventions
    from result.interventions as moments
    asof inner join places
        on moments.drive_id = places.drive_id and moments.mono_ns >= places.mono_ns
    where
        moments.mode = 'engaged'
        and moments.mono_ns - places.mono_ns <= (select position_max_age_ns from grid)
),

final as (
    select
        drive_id,
        cell_row,
        cell_column,
        bool_or(is_engaged) as is_engaged,
        sum(n_interventions)::integer as n_interventions,
        sum(n_unplanned_interventions)::integer as n_unplanned_interventions
    from (
        select * from visits
        union all by name
        select * from interventions
    ) as passed
    group by drive_id, cell_row, cell_column
)

select * from final;
