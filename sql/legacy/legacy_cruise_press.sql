-- How long a drive's cruise signal was not 0, each value held until the segment's next one.
--
-- grain:   one row per drive_id with a cruise signal
-- null:    never
create or replace view compute.legacy_cruise_press as
with

signals as (
    select * from log.can_signal
),

held as (
    select
        drive_id,
        lag(value) over in_order as held_value,
        mono_ns - lag(mono_ns) over in_order as gap_ns
    from signals
    where signal_key = 'cruise_state'
    window in_order as (partition by drive_id, segment_num order by message_num, frame_num)
),

final as (
    select
        drive_id,
        coalesce(sum(gap_ns) filter (where held_value <> 0), 0)::bigint as press_ns
    from held
    group by drive_id
)

select * from final;
