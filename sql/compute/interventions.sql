-- What the driver did to change the car's motion while engaged.
--
-- grain:   one row per override, and per counted disengagement by the driver
-- reads:   result.events
-- null:    segment_num never, as an override and a disengagement need samples
create or replace view compute.interventions as
with

final as (
    select drive_id, mono_ns, segment_num, kind
    from result.events
    where is_intervention
)

select * from final;
