-- What the driver did to change the car's motion while engaged.
--
-- grain:   one row per override, and per counted disengagement by the driver
-- reads:   result.event_moments, result.disengagements
-- null:    segment_num never, as an override and a disengagement need samples
create or replace view compute.interventions as
with

final as (
    select
        moments.drive_id,
        moments.mono_ns,
        moments.segment_num,
        moments.kind
    from result.event_moments as moments
    left join result.disengagements as ends
        on
            moments.drive_id = ends.drive_id
            and moments.engagement_num = ends.engagement_num
            and moments.kind = 'disengagement'
    where
        moments.kind <> 'disengagement' or (ends.is_counted and starts_with(ends.cause, 'driver'))
)

select * from final;
