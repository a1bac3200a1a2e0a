-- Moments at which the armed steering detector looks, with the torques' difference.
--
-- grain:   one row per torque in a frame, and one per `can` message for its first frame
-- null:    never
-- why:     it looks after every frame. Frames without torque, after the first, change nothing; two
--          rows of one frame are peers, and look at the same averages
create or replace view staging.legacy_steer_looks as
with

averages as (
    select * from staging.legacy_torque_averages
),

messages as (
    select can_message.*
    from log.can_message
    inner join staging.legacy_steer_segments as segments
        on
            can_message.drive_id = segments.drive_id
            and can_message.segment_num = segments.segment_num
),

states as (
    select * from staging.legacy_steer_states
),

moments as (
    select
        drive_id,
        segment_num,
        message_num,
        frame_num,
        mono_ns,
        case when is_driver then average_nm end as driver_nm,
        case when not is_driver then average_nm end as motor_nm,
        null::boolean as is_armed
    from averages
    union all
    select
        drive_id,
        segment_num,
        message_num,
        0 as frame_num,
        mono_ns,
        null as driver_nm,
        null as motor_nm,
        null as is_armed
    from messages
    union all
    select
        drive_id,
        segment_num,
        message_num,
        -1 as frame_num,
        null as mono_ns,
        null as driver_nm,
        null as motor_nm,
        is_armed
    from states
),

held as (
    select
        drive_id,
        segment_num,
        message_num,
        frame_num,
        mono_ns,
        last_value(driver_nm ignore nulls) over so_far as driver_nm,
        last_value(motor_nm ignore nulls) over so_far as motor_nm,
        last_value(is_armed ignore nulls) over so_far as is_armed
    from moments
    window so_far as (
        partition by drive_id, segment_num
        order by message_num, frame_num
        range between unbounded preceding and current row
    )
),

final as (
    select
        drive_id,
        segment_num,
        message_num,
        frame_num,
        mono_ns,
        abs(driver_nm - motor_nm) as difference_nm
    from held
    where is_armed and mono_ns is not null and driver_nm is not null and motor_nm is not null
)

select * from final;
