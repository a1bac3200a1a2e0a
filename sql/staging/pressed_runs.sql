-- Runs of the steering wheel or a pedal pressed by the driver.
--
-- grain:   one row per (drive_id, input, start_mono_ns)
-- reads:   result.car_state_edges
-- null:    never
create or replace view staging.pressed_runs as
with

edges as (
    select
        drive_id,
        'steering' as input,
        mono_ns,
        (is_known and coalesce(steering_pressed, false)) as is_pressed
    from result.car_state_edges
    union all
    select
        drive_id,
        'gas' as input,
        mono_ns,
        (is_known and coalesce(gas_pressed, false)) as is_pressed
    from result.car_state_edges
    union all
    select
        drive_id,
        'brake' as input,
        mono_ns,
        (is_known and coalesce(brake_pressed, false)) as is_pressed
    from result.car_state_edges
),

changes as (
    select
        *,
        lag(is_pressed) over (partition by drive_id, input order by mono_ns) as was_pressed
    from edges
),

runs as (
    select
        drive_id,
        input,
        mono_ns as start_mono_ns,
        is_pressed,
        lead(mono_ns) over (partition by drive_id, input order by mono_ns) as end_mono_ns
    from changes
    where (is_pressed is distinct from was_pressed)
),

final as (
    select drive_id, input, start_mono_ns, end_mono_ns
    from runs
    where is_pressed and end_mono_ns is not null
)

select * from final;
