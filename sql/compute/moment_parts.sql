-- The part of a drive in which each event happened, and in which each engagement began.
--
-- grain:   one row per (drive_id, mono_ns)
-- null:    never
create or replace view compute.moment_parts as
with

moments as (
    select drive_id, mono_ns from result.events
    union
    select drive_id, start_mono_ns as mono_ns from result.engagements
),

final as (
    select
        moments.drive_id,
        moments.mono_ns,
        spans.part_num
    from moments
    asof inner join result.part_spans as spans
        on moments.drive_id = spans.drive_id and moments.mono_ns >= spans.start_mono_ns
)

select * from final;
