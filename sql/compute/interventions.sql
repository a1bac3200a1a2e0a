-- What the driver did to change the car's motion while engaged.
--
-- grain:   one row per override, and per counted disengagement by the driver
-- reads:   result.overrides, result.disengagements, result.segment_starts
-- null:    segment_num never, as an override and a disengagement need samples
create or replace view compute.interventions as
with

moments as (
    select drive_id, axis || '_override' as kind, start_mono_ns as mono_ns from result.overrides
    union all
    select drive_id, 'disengagement' as kind, mono_ns
    from result.disengagements
    where is_counted and starts_with(cause, 'driver')
),

final as (
    select
        moments.drive_id,
        moments.mono_ns,
        starts.segment_num,
        moments.kind
    from moments
    asof inner join result.segment_starts as starts
        on moments.drive_id = starts.drive_id and moments.mono_ns >= starts.start_mono_ns
)

select * from final;
