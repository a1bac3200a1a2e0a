-- Changes of the active flag over a drive, the first value seen among them.
--
-- grain:   one row per (drive_id, change_num)
-- null:    next_segment_num and next_message_num are null for the last change
-- why:     place orders messages over segment borders as one number, which an asof join needs
create or replace view compute.legacy_state_changes as
with

controls as (
    select * from staging.legacy_controls
),

compared as (
    select
        drive_id,
        segment_num,
        message_num,
        mono_ns,
        active,
        active_source,
        (active is distinct from lag(active) over in_order) as is_change
    from controls
    window in_order as (partition by drive_id order by segment_num, message_num)
),

final as (
    select
        drive_id,
        row_number() over in_order as change_num,
        segment_num,
        message_num,
        message_position(segment_num, message_num) as place,
        mono_ns,
        active,
        active_source,
        lead(segment_num) over in_order as next_segment_num,
        lead(message_num) over in_order as next_message_num
    from compared
    where is_change
    window in_order as (partition by drive_id order by segment_num, message_num)
)

select * from final;
