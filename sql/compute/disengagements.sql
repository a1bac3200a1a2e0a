-- Ends of engagements at a known moment, each with its cause and place.
--
-- grain:   one row per (drive_id, engagement_num)
-- reads:   result.end_causes, result.event_moments, result.intervention_inputs
-- null:    cause_event without an event; to_mode where what follows is not known; speed and place
--          where none was sampled shortly before
create or replace view compute.disengagements as
with

final as (
    select
        causes.* exclude (is_by_driver, is_only_joining, inputs, press_mono_ns),
        (inputs.drive_id is not null) as is_intervention,
        moments.segment_num,
        moments.speed_mps,
        moments.latitude,
        moments.longitude
    from result.end_causes as causes
    inner join result.event_moments as moments
        on
            causes.drive_id = moments.drive_id
            and causes.engagement_num = moments.engagement_num
            and moments.kind = 'disengagement'
    left join result.intervention_inputs as inputs
        on
            causes.drive_id = inputs.drive_id
            and causes.mono_ns = inputs.event_mono_ns
            and inputs.kind = 'disengagement'
)

select * from final;
