-- Moments from which the steering detector looks, or looks away.
--
-- grain:   one row per (drive_id, segment_num, message_num); message_num is -1 at a segment's start
-- null:    never
-- why:     armed is engaged and stable. A segment starts stable, with the flag of the one before; a
--          flip makes it unstable until the first controlsState that is over 3 s later
create or replace view staging.legacy_steer_states as
with

changes as (
    select * from result.legacy_state_changes
),

controls as (
    select * from staging.legacy_controls
),

logs as (
    select * from log.segment
),

carried as (
    select
        logs.drive_id,
        logs.segment_num,
        changes.active as is_armed
    from logs
    inner join changes
        on
            logs.drive_id = changes.drive_id
            and logs.segment_num > changes.segment_num
            and logs.segment_num <= coalesce(changes.next_segment_num, logs.segment_num)
),

flips as (
    select
        drive_id,
        segment_num,
        place,
        mono_ns,
        active,
        change_num,
        lead(place) over (partition by drive_id, segment_num order by place) as next_place
    from changes
    where change_num > 1
),

settled as (
    select
        controls.drive_id,
        controls.segment_num,
        flips.change_num,
        min(controls.message_num) as message_num
    from controls
    inner join flips
        on
            controls.drive_id = flips.drive_id
            and controls.segment_num = flips.segment_num
            and message_position(controls.segment_num, controls.message_num) >= flips.place
            and message_position(controls.segment_num, controls.message_num)
            < coalesce(flips.next_place, message_position(controls.segment_num + 1, 0))
    where flips.active and controls.mono_ns - flips.mono_ns > 3000000000
    group by controls.drive_id, controls.segment_num, flips.change_num
),

final as (
    select
        drive_id,
        segment_num,
        -1 as message_num,
        is_armed
    from carried
    union all
    select
        drive_id,
        segment_num,
        message_num,
        active and change_num = 1 as is_armed
    from changes
    union all
    select
        drive_id,
        segment_num,
        message_num,
        true as is_armed
    from settled
)

select * from final;
