-- Ends of engagements with the window in which their cause is looked for.
--
-- grain:   one row per (drive_id, engagement_num)
-- reads:   result.engagements, result.drive_facts, result.thresholds
-- null:    never
create or replace view staging.engagement_ends as
with

final as (
    select
        engagements.drive_id,
        engagements.engagement_num,
        engagements.end_mono_ns,
        engagements.end_kind,
        (facts.event_source is not null and not facts.is_qlog) as has_events,
        end_mono_ns - (select cause_before_ns from result.thresholds) as from_mono_ns,
        end_mono_ns + (select cause_after_ns from result.thresholds) as until_mono_ns,
        end_mono_ns - (select soft_disable_ns from result.thresholds) as soft_from_mono_ns
    from result.engagements as engagements
    inner join result.drive_facts as facts on engagements.drive_id = facts.drive_id
    where end_kind in ('disengagement', 'end_of_drive')
)

select * from final;
