-- Time and distance of a drive in each of the old speed buckets, and how much of it was moving.
--
-- grain:   one row per (drive_id, bucket) with a carState gap in it
-- null:    never: what was not engaged is 0
-- why:     a gap belongs to the speed before it and to the engaged flag at its end, from whatever
--          segment; a negative speed falls in highway; sums run in message order
create or replace view compute.legacy_speed_buckets as
with

samples as (
    select * from log.car_state
),

changes as (
    select * from result.legacy_state_changes
),

gaps as (
    select
        drive_id,
        message_position(segment_num, message_num) as place,
        mono_ns - lag(mono_ns) over in_order as gap_ns,
        lag(v_ego_mps::double) over in_order as speed_mps
    from samples
    window in_order as (partition by drive_id, segment_num order by message_num)
),

bucketed as (
    select
        drive_id,
        place,
        gap_ns,
        speed_mps * (gap_ns / 1e9) / 1000 as distance_km,
        speed_mps > 1 and not isnan(speed_mps) as is_moving,
        case
            when speed_mps >= 0 and speed_mps < 15.3::double then 'city'
            when speed_mps >= 15.3::double and speed_mps < 25 then 'road'
            else 'highway'
        end as bucket
    from gaps
    where gap_ns > 0
),

engaged as (
    select
        bucketed.drive_id,
        bucketed.place,
        bucketed.gap_ns,
        bucketed.distance_km,
        bucketed.is_moving,
        bucketed.bucket,
        coalesce(changes.active, false) as is_engaged
    from bucketed
    asof left join changes
        on bucketed.drive_id = changes.drive_id and bucketed.place >= changes.place
),

final as (
    select
        drive_id,
        bucket,
        sum(gap_ns)::bigint as time_ns,
        coalesce(sum(gap_ns) filter (where is_engaged), 0)::bigint as engaged_time_ns,
        coalesce(sum(gap_ns) filter (where is_moving), 0)::bigint as moving_ns,
        coalesce(sum(gap_ns) filter (where is_moving and is_engaged), 0)::bigint
            as moving_engaged_ns,
        sum(distance_km order by place) as distance_km,
        coalesce(sum(distance_km order by place) filter (where is_engaged), 0)
            as engaged_distance_km
    from engaged
    group by drive_id, bucket
)

select * from final;
