-- Ends of engagements with the window in which their cause is looked for.
--
-- grain:   one row per (drive_id, engagement_num)
-- null:    never
-- why:     where the end lies between two samples of a coarse log, the window opens at the earlier
--          one; soft disabling began up to soft_disable_s before an end in that state
create or replace view compute.engagement_ends as
with

ends as (
    select
        engagements.drive_id,
        engagements.engagement_num,
        engagements.mode,
        engagements.end_mono_ns,
        engagements.end_kind,
        (facts.event_source is not null) as has_events,
        engagements.end_mono_ns
        - greatest(
            (select cause_before_ns from result.thresholds),
            coalesce(engagements.end_uncertainty_s * 1e9, 0)
        )::bigint as from_mono_ns,
        engagements.end_mono_ns + (select cause_after_ns from result.thresholds) as until_mono_ns
    from result.engagements as engagements
    inner join result.drive_facts as facts on engagements.drive_id = facts.drive_id
    where engagements.end_kind in ('disengagement', 'end_of_drive')
),

last_states as (
    select ends.drive_id, ends.engagement_num, samples.state
    from ends
    asof inner join staging.control_samples as samples
        on ends.drive_id = samples.drive_id and ends.end_mono_ns > samples.mono_ns
),

final as (
    select
        ends.drive_id,
        ends.engagement_num,
        ends.mode,
        ends.end_mono_ns,
        ends.end_kind,
        ends.has_events,
        ends.from_mono_ns,
        ends.until_mono_ns,
        case
            when states.state = 'softDisabling'
                then ends.end_mono_ns - (select soft_disable_ns from result.thresholds)
            else ends.until_mono_ns + 1
        end as soft_from_mono_ns
    from ends
    left join last_states as states
        on ends.drive_id = states.drive_id and ends.engagement_num = states.engagement_num
)

select * from final;
