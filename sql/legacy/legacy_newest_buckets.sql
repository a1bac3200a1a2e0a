-- What the newest version of the old system counts of a drive in each speed bucket.
--
-- grain:   one row per (drive_id, bucket) with a carState in it
-- null:    never
-- why:     unlike the older version it leaves out gaps over 1 s, a negative speed is city, a flip is
--          forgotten 3 s later also in the next segment, and a press of the wheel is an
--          intervention. What happened belongs to the speed of the newest carState
create or replace view staging.legacy_newest_buckets as
with

samples as (
    select
        drive_id,
        segment_num,
        message_position(segment_num, message_num) as place,
        mono_ns,
        v_ego_mps::double as speed_mps,
        coalesce(steering_pressed, false) as is_pressed
    from log.car_state
),

changes as (
    select
        *,
        (lead(place) over (partition by drive_id order by change_num) is null) as is_last
    from result.legacy_state_changes
),

steps as not materialized (
    select
        drive_id,
        place,
        mono_ns,
        speed_mps,
        mono_ns - lag(mono_ns) over in_segment as gap_ns,
        lag(speed_mps) over in_segment as speed_before_mps,
        is_pressed and not coalesce(lag(is_pressed) over in_drive, false) as is_press
    from samples
    window
        in_segment as (partition by drive_id, segment_num order by place),
        in_drive as (partition by drive_id order by place)
),

flagged as not materialized (
    select
        steps.*,
        coalesce(changes.active, false) as is_engaged,
        steps.is_press
        and changes.active
        and (changes.change_num = 1 or steps.mono_ns - changes.mono_ns > 3000000000)
            as is_look
    from steps
    asof left join changes
        on steps.drive_id = changes.drive_id and steps.place >= changes.place
),

looks as (
    select
        drive_id,
        list({ 'mono_ns': mono_ns, 'speed_mps': speed_mps } order by place) as looks_in_order
    from flagged
    where is_look
    group by drive_id
),

folded as (
    select
        drive_id,
        list_reduce(  -- noqa: PRS
            looks_in_order,
            lambda state, look: case
                when state.last_ns is not null and look.mono_ns - state.last_ns <= 10000000000
                    then state
                else {'last_ns': look.mono_ns, 'found': list_append(state.found, look.speed_mps)}
            end,
            {'last_ns': null::bigint, 'found': []::double[]}
        ).found as speeds_mps
    from looks
),

ends as (
    select
        changes.drive_id,
        changes.is_last,
        steps.speed_mps
    from changes
    asof left join steps
        on changes.drive_id = steps.drive_id and changes.place >= steps.place
    where changes.change_num > 1 and not changes.active
),

told as (
    select
        drive_id,
        speed_before_mps as speed_mps,
        gap_ns,
        speed_before_mps * (gap_ns / 1e9) / 1000 as distance_km,
        speed_before_mps > 1 and not isnan(speed_before_mps) as is_moving,
        is_engaged,
        place
    from flagged
    where gap_ns between 1 and 1000000000
    union all by name
    select drive_id, unnest(speeds_mps) as speed_mps, 1 as n_steers
    from folded
    union all by name
    select drive_id, coalesce(speed_mps, 0) as speed_mps, 1 as n_ends, is_last::integer as n_removed
    from ends
),

bucketed as (
    select
        *,
        case
            when speed_mps < 15.3::double then 'city'
            when speed_mps < 25 then 'road'
            else 'highway'
        end as bucket
    from told
),

final as (
    select
        drive_id,
        bucket,
        coalesce(sum(gap_ns), 0)::bigint as time_ns,
        coalesce(sum(gap_ns) filter (where is_engaged), 0)::bigint as engaged_time_ns,
        coalesce(sum(gap_ns) filter (where is_moving), 0)::bigint as drive_time_ns,
        coalesce(sum(gap_ns) filter (where is_moving and is_engaged), 0)::bigint
            as engaged_drive_time_ns,
        coalesce(sum(distance_km order by place), 0) as distance_km,
        coalesce(sum(distance_km order by place) filter (where is_engaged), 0)
            as engaged_distance_km,
        count(n_steers) as steer_intervention_count,
        count(n_ends) as raw_disengagement_count,
        coalesce(sum(n_removed), 0)::bigint as manual_shutdown_removed
    from bucketed
    group by drive_id, bucket
)

select * from final;
