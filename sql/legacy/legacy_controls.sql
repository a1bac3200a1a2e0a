-- Messages controlsState with the active flag that the old system would look for today.
--
-- grain:   one row per (drive_id, segment_num, message_num)
-- null:    never
-- why:     since 0.9.8 controlsState.active is dead, and selfdriveState has the flag: in a drive whose
--          controlsState is never active, each one gets the flag of the newest selfdriveState, which
--          older logs don't have
create or replace view staging.legacy_controls as
with

controls as (
    select
        drive_id,
        segment_num,
        message_num,
        mono_ns,
        active,
        message_position(segment_num, message_num) as place,
        bool_or(active) over (partition by drive_id) as is_alive
    from log.controls_state
),

flags as (
    select
        drive_id,
        message_position(segment_num, message_num) as place,
        active
    from log.selfdrive_state
    qualify
        active is distinct from lag(active) over (
            partition by drive_id order by segment_num, message_num
        )
),

final as (
    select
        controls.drive_id,
        controls.segment_num,
        controls.message_num,
        controls.mono_ns,
        case when controls.is_alive then controls.active else coalesce(flags.active, false) end
            as active,
        case
            when controls.is_alive or flags.active is null then 'controlsState'
            else 'selfdriveState'
        end as active_source
    from controls
    asof left join flags
        on controls.drive_id = flags.drive_id and controls.place >= flags.place
)

select * from final;
