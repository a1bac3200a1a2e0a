-- Moments from which on cruise, wheel or pedals may be in another state.
--
-- grain:   one row per (drive_id, mono_ns)
-- reads:   staging.car_state_steps
-- null:    a flag that the log does not have
-- why:     several views need these few rows of many samples, so they are kept
create or replace view compute.car_state_edges as
with

final as (
    select
        drive_id,
        mono_ns,
        is_known,
        cruise_enabled,
        steering_pressed,
        gas_pressed,
        brake_pressed
    from staging.car_state_steps
    where is_edge
)

select * from final;
