-- Moments from which on what carState says of wheel, pedals, cruise or gear may be another.
--
-- grain:   one row per (drive_id, mono_ns)
-- null:    never; a flag that the log does not have is 2 in its two bits
-- why:     several views need these few rows of many samples, so they are kept
create or replace view compute.car_state_edges as
with

final as (
    select drive_id, mono_ns, is_known, flags
    from staging.car_state_steps
    where is_edge
)

select * from final;
