-- Total and active time of a segment, as the old system counted them.
--
-- grain:   one row per (drive_id, segment_num) with a controlsState
-- null:    never
-- why:     in file order: where the messages are not sorted, a gap may be negative and counts so
create or replace view compute.legacy_segment_times as
with

controls as (
    select * from staging.legacy_controls
),

gaps as (
    select
        drive_id,
        segment_num,
        message_num,
        mono_ns,
        active and lag(active) over in_order as is_active,
        mono_ns - lag(mono_ns) over in_order as gap_ns
    from controls
    window in_order as (partition by drive_id, segment_num order by message_num)
),

final as (
    select
        drive_id,
        segment_num,
        min(message_num) as first_message_num,
        arg_min(mono_ns, message_num) as first_mono_ns,
        arg_max(mono_ns, message_num) - arg_min(mono_ns, message_num) as total_time_ns,
        coalesce(sum(gap_ns) filter (where is_active), 0)::bigint as active_time_ns
    from gaps
    group by drive_id, segment_num
)

select * from final;
