-- Moving averages of the two steering torques over their last ten values in a segment.
--
-- grain:   one row per (drive_id, segment_num, message_num, frame_num, is_driver)
-- null:    never
-- why:     added from the oldest to the newest, as the old system did: a window sum adds in another
--          order, and the last bit decides at a threshold
create or replace view staging.legacy_torque_averages as
with

signals as (
    select * from log.can_signal
),

segments as (
    select * from staging.legacy_steer_segments
),

torques as (
    select
        signals.drive_id,
        signals.segment_num,
        signals.message_num,
        signals.frame_num,
        signals.mono_ns,
        signals.signal_key = 'steering_driver_torque' as is_driver,
        signals.value as torque_nm
    from signals
    inner join segments
        on signals.drive_id = segments.drive_id and signals.segment_num = segments.segment_num
    where signals.signal_key in ('steering_driver_torque', 'steering_motor_torque')
),

final as (
    select
        drive_id,
        segment_num,
        message_num,
        frame_num,
        mono_ns,
        is_driver,
        list_sum(list(torque_nm) over last_ten) / least(row_number() over recent, 10) as average_nm
    from torques
    window
        recent as (
            partition by drive_id, segment_num, is_driver order by message_num, frame_num
        ),
        last_ten as (
            partition by drive_id, segment_num, is_driver order by message_num, frame_num
            rows between 9 preceding and current row
        )
)

select * from final;
