-- Experimental mode and personality, at the first sample of each of their values in a second.
--
-- grain:   one row per (drive_id, mono_ns)
-- null:    what the logs don't say
-- why:     services say them a hundred times a second: the samples of a second are put together
--          first, so that not all of them need be put in order. In controlsState the personality
--          reads as the first one, aggressive, before 0.9.7; from 0.9.3 to then the planner has it
create or replace view staging.driving_styles as
with

told as (
    select drive_id, mono_ns, is_experimental_mode, personality, 'selfdriveState' as source
    from log.selfdrive_state
    union all
    select drive_id, mono_ns, is_experimental_mode, personality, 'controlsState' as source
    from log.controls_state
    union all
    select drive_id, mono_ns, null, personality, 'longitudinalPlan' as source
    from log.longitudinal_plan
    where personality is not null
),

firsts as (
    select
        drive_id,
        source,
        is_experimental_mode,
        personality,
        min(mono_ns) as mono_ns
    from told
    group by drive_id, source, is_experimental_mode, personality, mono_ns // 1000000000
),

sources as (
    select
        drive_id,
        bool_or(source = 'selfdriveState') as has_selfdrive_state,
        bool_or(source = 'controlsState' and personality <> 'aggressive') as has_personality
    from firsts
    group by drive_id
),

chosen as (
    select
        firsts.drive_id,
        firsts.mono_ns,
        firsts.is_experimental_mode,
        case
            when firsts.source = 'selfdriveState' then firsts.personality
            when (firsts.source = 'controlsState') = coalesce(sources.has_personality, false)
                then firsts.personality
        end as personality
    from firsts
    inner join sources on firsts.drive_id = sources.drive_id
    where (firsts.source = 'selfdriveState') = sources.has_selfdrive_state
),

final as (
    select
        drive_id,
        mono_ns,
        bool_or(is_experimental_mode) as is_experimental_mode,
        max(personality) as personality
    from chosen
    where is_experimental_mode is not null or personality is not null
    group by drive_id, mono_ns
)

select * from final;
