-- The last end of assistance in a drive, where the car parks soon after it.
--
-- grain:   one row per drive_id
-- null:    never
-- why:     only the samples between the end and park are laid in order, of one end a drive
create or replace view staging.arrivals as
with

last_ends as (
    select drive_id, arg_max(end_mono_ns, engagement_num) as mono_ns
    from result.engagements
    group by drive_id
    having arg_max(end_kind, engagement_num) = 'disengagement'
),

parked as (
    select last_ends.drive_id, last_ends.mono_ns, min(runs.start_mono_ns) as park_mono_ns
    from last_ends
    inner join result.car_state_runs as runs
        on last_ends.drive_id = runs.drive_id and last_ends.mono_ns < runs.end_mono_ns
    where runs.flag = 'park'
    group by last_ends.drive_id, last_ends.mono_ns
),

samples as (
    select
        parked.drive_id,
        parked.mono_ns as end_mono_ns,
        car_state.mono_ns,
        car_state.segment_num,
        greatest(car_state.v_ego_mps, 0)::double as v_ego_mps,
        lead(car_state.mono_ns) over by_time as next_mono_ns,
        lead(car_state.segment_num) over by_time as next_segment_num,
        lead(greatest(car_state.v_ego_mps, 0)::double) over by_time as next_v_ego_mps
    from parked
    inner join log.car_state as car_state
        on
            parked.drive_id = car_state.drive_id
            and parked.mono_ns <= car_state.mono_ns
            and parked.park_mono_ns >= car_state.mono_ns
    window by_time as (
        partition by parked.drive_id
        order by car_state.mono_ns, car_state.segment_num, car_state.message_num
    )
),

final as (
    select drive_id, any_value(end_mono_ns) as mono_ns
    from samples
    group by drive_id
    having
        bool_and(
            next_mono_ns is null
            or (
                next_mono_ns - mono_ns <= (select max_gap_ns from result.thresholds)
                and next_segment_num - segment_num <= 1
                and v_ego_mps is not null
            )
        )
        and coalesce(
            fsum((v_ego_mps + next_v_ego_mps) / 2 * ((next_mono_ns - mono_ns) / 1e9)), 0
        ) <= (select planned_park_m from result.thresholds)
)

select * from final;
