-- Engaged time of a drive in which the driver overrode steering, speed or both.
--
-- grain:   one row per drive_id
-- null:    never; a drive without an override has no row
create or replace view compute.override_times as
with

overrides as (
    select
        overrides.drive_id,
        overrides.start_mono_ns,
        least(overrides.end_mono_ns, engagements.end_mono_ns) as end_mono_ns
    from result.overrides as overrides
    inner join result.engagements as engagements
        on
            overrides.drive_id = engagements.drive_id
            and overrides.engagement_num = engagements.engagement_num
    where overrides.mode = 'engaged'
),

overrides_in_order as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        max(end_mono_ns) over (
            partition by drive_id order by start_mono_ns, end_mono_ns
            rows between unbounded preceding and 1 preceding
        ) as covered_until_ns
    from overrides
),

final as (
    select
        drive_id,
        sum(
            greatest(end_mono_ns - greatest(start_mono_ns, coalesce(covered_until_ns, start_mono_ns)), 0)
        )::bigint as override_ns
    from overrides_in_order
    group by drive_id
)

select * from final;
