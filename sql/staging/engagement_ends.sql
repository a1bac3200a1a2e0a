-- Ends of engagements with the window in which their cause is looked for.
--
-- grain:   one row per (drive_id, engagement_num)
-- reads:   result.engagements, staging.thresholds
-- null:    never
create or replace view staging.engagement_ends as
with

final as (
    select
        drive_id,
        engagement_num,
        end_mono_ns,
        end_kind,
        end_mono_ns - (select cause_before_ns from staging.thresholds) as from_mono_ns,
        end_mono_ns + (select cause_after_ns from staging.thresholds) as until_mono_ns,
        end_mono_ns - (select soft_disable_ns from staging.thresholds) as soft_from_mono_ns
    from result.engagements
    where end_kind in ('disengagement', 'end_of_drive')
)

select * from final;
