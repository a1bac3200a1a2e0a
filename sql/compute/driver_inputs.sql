-- What the driver did: presses of the wheel, a pedal or a button.
--
-- grain:   one row per (drive_id, input, start_mono_ns)
-- null:    never; a button's press is a moment, so it ends as it starts
create or replace view compute.driver_inputs as
with

final as (
    select drive_id, flag as input, start_mono_ns, end_mono_ns
    from result.car_state_runs
    where flag in ('steering', 'gas', 'brake')
    union all
    select distinct drive_id, 'button' as input, mono_ns as start_mono_ns, mono_ns as end_mono_ns
    from log.button_event
    where pressed
)

select * from final;
