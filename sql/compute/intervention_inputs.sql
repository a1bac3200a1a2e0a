-- What the driver took over with, and which intervention each input is part of.
--
-- grain:   one row per (drive_id, kind, event_mono_ns)
-- null:    cause of an override
-- why:     inputs of one stretch of assistance that touch, or follow each other soon, are one
--          intervention. Seatbelt, door, gear, parking and inattention are one only with a pedal (while
--          engaged) or the wheel: their own, or an input that they follow
create or replace view compute.intervention_inputs as
with

inputs as (
    select
        drive_id,
        engagement_num,
        axis || '_override' as kind,
        start_mono_ns as event_mono_ns,
        start_mono_ns,
        end_mono_ns,
        [case axis when 'lateral' then 'steer' else 'gas' end] as inputs,
        null::varchar as cause,
        false as is_only_joining
    from result.overrides
    where is_intervention
    union all
    select
        drive_id,
        engagement_num,
        'disengagement' as kind,
        mono_ns as event_mono_ns,
        press_mono_ns as start_mono_ns,
        mono_ns as end_mono_ns,
        inputs,
        cause,
        is_only_joining
    from result.end_causes
    where is_by_driver
),

assisted as (
    select inputs.*, engagements.mode, engagements.assisted_num
    from inputs
    inner join result.engagements as engagements
        on
            inputs.drive_id = engagements.drive_id
            and inputs.engagement_num = engagements.engagement_num
),

in_order as (
    select
        *,
        max(end_mono_ns) over (
            partition by drive_id, assisted_num order by start_mono_ns, end_mono_ns, kind
            rows between unbounded preceding and 1 preceding
        ) as until_mono_ns
    from assisted
),

numbered as (
    select
        *,
        sum(
            (
                until_mono_ns is null
                or start_mono_ns - until_mono_ns
                > (select intervention_merge_ns from result.thresholds)
            )::int
        ) over (
            partition by drive_id order by assisted_num, start_mono_ns, end_mono_ns, kind
            rows between unbounded preceding and current row
        ) as moment_num
    from in_order
),

taken_over as (
    select *
    from numbered
    qualify bool_or(not is_only_joining) over (partition by drive_id, moment_num)
),

final as (
    select
        drive_id,
        dense_rank() over (partition by drive_id order by moment_num)::integer
            as intervention_num,
        engagement_num,
        mode,
        kind,
        event_mono_ns,
        start_mono_ns,
        end_mono_ns,
        inputs,
        cause
    from taken_over
)

select * from final;
