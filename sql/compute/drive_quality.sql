-- What speaks against the numbers of a drive: gaps, clocks that jump, impossible values.
--
-- grain:   one row per drive_id
-- null:    longest_gap_s without a gap; clock_jump_s without a jump; clock_difference_s without
--          both clocks; steering_pressed_fraction without engaged time; odometer_km without an
--          odometer, its step also where it stood
-- why:     a gap has known state before and after it; what a missing segment makes unknown is
--          counted apart; jumps and overlaps are more than a second, as messages are written late
--          by less, and only clocks that were set jump; one that never was differs from GPS too
create or replace view compute.drive_quality as
with

facts as (
    select drive_id, gps_source from result.drive_facts
),

readable as (
    select
        drive_id,
        segment_num,
        start_mono_ns,
        lag(segment_num) over by_num as previous_segment_num,
        max(end_mono_ns) over (
            partition by drive_id
            order by segment_num
            rows between unbounded preceding and 1 preceding
        ) as previous_end_mono_ns
    from log.segment
    where status <> 'failed'
    window by_num as (partition by drive_id order by segment_num)
),

overlapping as (
    select drive_id, count(*) as n_overlapping_segments
    from readable
    where start_mono_ns < previous_end_mono_ns - 1000000000
    group by drive_id
),

holes as (
    select drive_id, previous_end_mono_ns as start_mono_ns, start_mono_ns as end_mono_ns
    from readable
    where segment_num - previous_segment_num > 1
),

neighbours as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        mode,
        lag(mode) over by_time as previous_mode,
        lead(mode) over by_time as next_mode
    from result.state_intervals
    window by_time as (partition by drive_id order by start_mono_ns)
),

unknowns as (
    select drive_id, start_mono_ns, end_mono_ns
    from neighbours
    where mode = 'unknown' and previous_mode is not null and next_mode is not null
),

explained as (
    select
        unknowns.drive_id,
        unknowns.start_mono_ns,
        (unknowns.end_mono_ns - unknowns.start_mono_ns) / 1e9 as duration_s,
        bool_or(holes.drive_id is not null) as is_missing_segment
    from unknowns
    left join holes
        on
            unknowns.drive_id = holes.drive_id
            and unknowns.start_mono_ns < holes.end_mono_ns
            and unknowns.end_mono_ns > holes.start_mono_ns
    group by unknowns.drive_id, unknowns.start_mono_ns, unknowns.end_mono_ns
),

gaps as (
    select
        drive_id,
        count(*) filter (where not is_missing_segment) as n_gaps,
        fsum(duration_s) filter (where not is_missing_segment) as gap_s,
        max(duration_s) filter (where not is_missing_segment) as longest_gap_s,
        fsum(duration_s) filter (where is_missing_segment) as missing_segment_s
    from explained
    group by drive_id
),

wall_steps as (
    select
        drive_id,
        (
            offset_ns - lag(offset_ns) over (
                partition by drive_id, source order by mono_ns, segment_num, message_num
            )
        ) / 1e9 as change_s
    from staging.wall_times
    where is_set and source <> 'init_data'
),

jumps as (
    select
        drive_id,
        count(*) as n_clock_jumps,
        max_by(change_s, (abs(change_s), change_s)) as clock_jump_s
    from wall_steps
    where abs(change_s) > 1
    group by drive_id
),

newest as (
    select
        drive_id,
        arg_max(offset_ns, message_order(mono_ns, segment_num, message_num)) filter (where source = 'gps' and is_set) as gps_offset_ns,
        arg_max(offset_ns, message_order(mono_ns, segment_num, message_num)) filter (where source = 'clocks') as clocks_offset_ns
    from staging.wall_times
    group by drive_id
),

fixes as (
    select
        gps.drive_id,
        count(*) filter (
            where not coalesce(is_plausible_fix(gps.latitude, gps.longitude), false)
        ) as n_impossible_fixes
    from log.gps
    inner join facts on gps.drive_id = facts.drive_id and gps.source = facts.gps_source
    where gps.has_fix
    group by gps.drive_id
),

readings as (
    select
        drive_id,
        mono_ns,
        segment_num,
        message_num,
        frame_num,
        value,
        value - lag(value) over in_order as step_km
    from log.can_signal
    where signal_key = 'odometer'
    window in_order as (
        partition by drive_id order by mono_ns, segment_num, message_num, frame_num
    )
),

odometers as (
    select
        drive_id,
        last(value order by mono_ns, segment_num, message_num, frame_num)
        - first(value order by mono_ns, segment_num, message_num, frame_num) as odometer_km,
        min(step_km) filter (where step_km > 0) as odometer_step_km
    from readings
    group by drive_id
),

speeds as (
    select drive_id, count(*) filter (where v_ego_mps is null) as n_unknown_speeds
    from log.car_state
    group by drive_id
),

engaged as (
    select
        drive_id,
        sum(end_mono_ns - start_mono_ns) as engaged_ns
    from result.state_intervals
    where mode = 'engaged'
    group by drive_id
),

presses as (
    select
        runs.drive_id,
        sum(
            least(runs.end_mono_ns, intervals.end_mono_ns)
            - greatest(runs.start_mono_ns, intervals.start_mono_ns)
        ) as pressed_ns
    from result.car_state_runs as runs
    inner join result.state_intervals as intervals
        on
            runs.drive_id = intervals.drive_id
            and runs.start_mono_ns < intervals.end_mono_ns
            and runs.end_mono_ns > intervals.start_mono_ns
    where runs.flag = 'steering' and intervals.mode = 'engaged'
    group by runs.drive_id
),

speed_gaps as (
    select
        drive_id,
        count(*) as n_speed_gaps,
        sum(known_ns) / 1e9 as speed_gap_s
    from staging.speed_gaps
    group by drive_id
),

final as (
    select
        facts.drive_id,
        coalesce(gaps.n_gaps, 0)::bigint as n_gaps,
        coalesce(gaps.gap_s, 0)::double as gap_s,
        gaps.longest_gap_s,
        coalesce(gaps.missing_segment_s, 0)::double as missing_segment_s,
        coalesce(overlapping.n_overlapping_segments, 0)::bigint as n_overlapping_segments,
        coalesce(jumps.n_clock_jumps, 0)::bigint as n_clock_jumps,
        jumps.clock_jump_s::double as clock_jump_s,
        ((newest.clocks_offset_ns - newest.gps_offset_ns) / 1e9)::double as clock_difference_s,
        coalesce(fixes.n_impossible_fixes, 0)::bigint as n_impossible_fixes,
        coalesce(speed_gaps.n_speed_gaps, 0)::bigint as n_speed_gaps,
        coalesce(speed_gaps.speed_gap_s, 0)::double as speed_gap_s,
        coalesce(speeds.n_unknown_speeds, 0)::bigint as n_unknown_speeds,
        (coalesce(presses.pressed_ns, 0) / engaged.engaged_ns)::double
            as steering_pressed_fraction,
        odometers.odometer_km,
        odometers.odometer_step_km
    from facts
    left join gaps on facts.drive_id = gaps.drive_id
    left join overlapping on facts.drive_id = overlapping.drive_id
    left join jumps on facts.drive_id = jumps.drive_id
    left join newest on facts.drive_id = newest.drive_id
    left join fixes on facts.drive_id = fixes.drive_id
    left join engaged on facts.drive_id = engaged.drive_id
    left join presses on facts.drive_id = presses.drive_id
    left join speed_gaps on facts.drive_id = speed_gaps.drive_id
    left join speeds on facts.drive_id = speeds.drive_id
    left join odometers on facts.drive_id = odometers.drive_id
)

select * from final;
