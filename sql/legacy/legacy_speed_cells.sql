-- Time and distance of a drive at the speeds that the old system tells apart, and what happened there.
--
-- grain:   one row per (drive_id, speed_range, is_gap) with a carState gap or an event in it
-- null:    never: what was not engaged is 0; distance_km where no speed is known
-- why:     the old system's versions differ in where a negative speed belongs and in gaps over 1 s,
--          is_gap here, so their buckets are sums of these. A gap belongs to the speed before it and
--          to the engaged flag at its end, from whatever segment; sums run in message order. Events are
--          those of the newest version, which belong to the speed of the newest carState: presses of the
--          wheel with 10 s between them, not within 3 s of a flip, and flips to inactive, of which the
--          one that ends the drive counts as removed
create or replace view compute.legacy_speed_cells as
with

readings as not materialized (
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
        lead(place) over in_order as next_place,
        (lead(place) over in_order is null) as is_last
    from result.legacy_state_changes
    window in_order as (partition by drive_id order by change_num)
),

-- The changes that hold in each segment, as its messages meet few of them.
held as (
    select
        segments.drive_id,
        segments.segment_num,
        changes.change_num,
        changes.place,
        coalesce(changes.next_place, message_position(segments.segment_num + 1, 0)) as next_place,
        changes.mono_ns,
        changes.active
    from log.segment as segments
    inner join changes
        on
            segments.drive_id = changes.drive_id
            and segments.segment_num >= changes.segment_num
            and segments.segment_num <= coalesce(changes.next_segment_num, segments.segment_num)
),

steps as (
    select
        drive_id,
        segment_num,
        place,
        mono_ns,
        speed_mps,
        case
            when lag(drive_id) over as_logged = drive_id and lag(segment_num) over as_logged = segment_num
                then mono_ns - lag(mono_ns) over as_logged
        end as gap_ns,
        lag(speed_mps) over as_logged as speed_before_mps,
        is_pressed
        and not coalesce(lag(drive_id) over as_logged = drive_id and lag(is_pressed) over as_logged, false)
            as is_press
    from readings
    window as_logged as (partition by drive_id order by place)
),

flagged as not materialized (
    select
        steps.*,
        coalesce(held.active, false) as is_engaged,
        steps.is_press
        and held.active
        and (held.change_num = 1 or steps.mono_ns - held.mono_ns > 3000000000)
            as is_look
    from steps
    left join held
        on
            steps.drive_id = held.drive_id
            and steps.segment_num = held.segment_num
            and steps.place >= held.place
            and steps.place < held.next_place
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
        readings.speed_mps
    from changes
    asof left join readings
        on changes.drive_id = readings.drive_id and changes.place >= readings.place
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
        place,
        gap_ns > 1000000000 as is_gap
    from flagged
    where gap_ns > 0
    union all by name
    select drive_id, unnest(speeds_mps) as speed_mps, 1 as n_presses, false as is_gap
    from folded
    union all by name
    select
        drive_id,
        coalesce(speed_mps, 0) as speed_mps,
        1 as n_ends,
        is_last::integer as n_last_ends,
        false as is_gap
    from ends
),

ranged as (
    select
        *,
        case
            when speed_mps < 0 then 'negative'
            when speed_mps < 15.3::double then 'city'
            when speed_mps < 25 then 'road'
            else 'highway'
        end as speed_range
    from told
),

final as (
    select
        drive_id,
        speed_range,
        is_gap,
        coalesce(sum(gap_ns), 0)::bigint as time_ns,
        coalesce(sum(gap_ns) filter (where is_engaged), 0)::bigint as engaged_time_ns,
        coalesce(sum(gap_ns) filter (where is_moving), 0)::bigint as moving_ns,
        coalesce(sum(gap_ns) filter (where is_moving and is_engaged), 0)::bigint
            as moving_engaged_ns,
        coalesce(sum(distance_km order by place), 0) as distance_km,
        coalesce(sum(distance_km order by place) filter (where is_engaged), 0)
            as engaged_distance_km,
        count(n_presses) as n_presses,
        count(n_ends) as n_ends,
        coalesce(sum(n_last_ends), 0)::bigint as n_last_ends
    from ranged
    group by drive_id, speed_range, is_gap
)

select * from final;
