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
        message_position(segment_num, message_num) as place
    from log.controls_state
),

alive as (
    select drive_id, bool_or(active) as is_alive
    from log.controls_state
    group by drive_id
),

flags as (
    select
        drive_id,
        segment_num,
        message_position(segment_num, message_num) as place,
        active
    from log.selfdrive_state
    window in_order as (partition by drive_id order by segment_num, message_num)
    qualify
        active is distinct from lag(active) over in_order
),

-- The flags that hold in each segment, as its messages meet few of them.
spans as (
    select
        *,
        lead(place) over in_order as next_place,
        lead(segment_num) over in_order as next_segment_num
    from flags
    window in_order as (partition by drive_id order by place)
),

held as (
    select
        segments.drive_id,
        segments.segment_num,
        spans.place,
        coalesce(spans.next_place, message_position(segments.segment_num + 1, 0)) as next_place,
        spans.active
    from log.segment as segments
    inner join spans
        on
            segments.drive_id = spans.drive_id
            and segments.segment_num >= spans.segment_num
            and segments.segment_num <= coalesce(spans.next_segment_num, segments.segment_num)
),

final as (
    select
        controls.drive_id,
        controls.segment_num,
        controls.message_num,
        controls.mono_ns,
        case when alive.is_alive then controls.active else coalesce(held.active, false) end
            as active,
        case
            when alive.is_alive or held.active is null then 'controlsState'
            else 'selfdriveState'
        end as active_source
    from controls
    inner join alive on controls.drive_id = alive.drive_id
    left join held
        on
            controls.drive_id = held.drive_id
            and controls.segment_num = held.segment_num
            and controls.place >= held.place
            and controls.place < held.next_place
)

select * from final;
