-- The engagements of each group: a part of a drive has those that began in it.
--
-- grain:   one row per (grouped_by, group_name, drive_id, start_mono_ns)
-- null:    never
-- why:     one whose start is not known tells nothing of its length; length_num orders them by it,
--          ends before what is censored after as long
create or replace view staging.group_engagements as
with

ordered as (
    select
        drive_id,
        mode,
        start_mono_ns,
        duration_s,
        (end_kind = 'disengagement') as is_end,
        dense_rank() over (order by duration_s, end_kind <> 'disengagement')::integer as length_num
    from result.engagements
    where mode = 'engaged' and start_kind <> 'unknown'
),

final as (
    select
        groups_of.grouped_by,
        groups_of.group_name,
        ordered.drive_id,
        ordered.start_mono_ns,
        ordered.duration_s,
        ordered.is_end,
        ordered.length_num
    from main.part_groups as groups_of
    inner join ordered on groups_of.drive_id = ordered.drive_id
    left join result.moment_parts as moments
        on ordered.drive_id = moments.drive_id and ordered.start_mono_ns = moments.mono_ns
    where
        (groups_of.part_num is null or groups_of.part_num = moments.part_num)
        and (groups_of.mode is null or groups_of.mode = ordered.mode)
        and groups_of.speed_band is null
)

select * from final;
