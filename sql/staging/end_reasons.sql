-- What is known of why engagements ended, in the order of time, and which of it decided.
--
-- grain:   one row per (drive_id, engagement_num, mono_ns, evidence, name)
-- null:    never; an end that nothing explains has rows of which none decided
-- why:     outcome is decides, follows (begun after it, so a consequence) or precedes
create or replace view staging.end_reasons as
with

joined as (
    select
        evidence.drive_id,
        evidence.engagement_num,
        evidence.mono_ns,
        evidence.evidence,
        evidence.name,
        evidence.event_order,
        (evidence.mono_ns - ends.end_mono_ns) / 1e9 as after_s,
        case
            when causes.cause in ('unknown', 'end_of_drive') then null
            when evidence.name = causes.cause_event and not causes.is_inferred then 1
            when evidence.cause = causes.cause then 2
            when evidence.name = causes.cause_event then 3
            when evidence.evidence = 'cruise' and causes.cause_event is null then 4
        end as weight
    from result.end_evidence as evidence
    inner join result.engagements as ends
        on
            evidence.drive_id = ends.drive_id
            and evidence.engagement_num = ends.engagement_num
    inner join result.end_causes as causes
        on
            evidence.drive_id = causes.drive_id
            and evidence.engagement_num = causes.engagement_num
),

decided as (
    select drive_id, engagement_num, mono_ns, name, event_order
    from joined
    where weight is not null
    qualify
        row_number() over (
            partition by drive_id, engagement_num order by weight, mono_ns, event_order, name
        ) = 1
),

final as (
    select
        joined.drive_id,
        joined.engagement_num,
        joined.mono_ns,
        joined.after_s,
        joined.event_order,
        joined.evidence,
        joined.name,
        case
            when joined.mono_ns = decided.mono_ns and joined.name = decided.name then 'decides'
            when
                (joined.mono_ns, joined.event_order) > (decided.mono_ns, decided.event_order)
                then 'follows'
            else 'precedes'
        end as outcome
    from joined
    left join decided
        on
            joined.drive_id = decided.drive_id
            and joined.engagement_num = decided.engagement_num
)

select * from final;
