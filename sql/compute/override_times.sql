-- Engaged time of each part of a drive in which the driver overrode steering, speed or both.
--
-- grain:   one row per (drive_id, part_num)
-- null:    never; a part without an override has no row
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

uncovered as (
    select
        drive_id,
        greatest(start_mono_ns, coalesce(covered_until_ns, start_mono_ns)) as start_mono_ns,
        end_mono_ns
    from overrides_in_order
),

final as (
    select
        uncovered.drive_id,
        spans.part_num,
        sum(
            least(uncovered.end_mono_ns, spans.end_mono_ns)
            - greatest(uncovered.start_mono_ns, spans.start_mono_ns)
        )::bigint as override_ns
    from uncovered
    inner join result.part_spans as spans
        on
            uncovered.drive_id = spans.drive_id
            and uncovered.end_mono_ns > spans.start_mono_ns
            and uncovered.start_mono_ns < spans.end_mono_ns
    where uncovered.start_mono_ns < uncovered.end_mono_ns
    group by uncovered.drive_id, spans.part_num
)

select * from final;
