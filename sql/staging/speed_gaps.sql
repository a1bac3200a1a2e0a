-- Stretches of known state without speed: carState is missing for longer than it may.
--
-- grain:   one row per (drive_id, start_mono_ns)
-- null:    never
-- why:     the distance driven there is unknown; how much of a stretch has a known state is
--          known_ns. Before the first carState and after the last one it is missing as well
create or replace view staging.speed_gaps as
with

edges as (
    select
        drive_id,
        mono_ns,
        is_known,
        lead(mono_ns) over (partition by drive_id order by mono_ns) as next_mono_ns
    from result.car_state_edges
),

firsts as (
    select drive_id, min(mono_ns) as mono_ns
    from edges
    group by drive_id
),

gaps as (
    select
        edges.drive_id,
        edges.mono_ns as start_mono_ns,
        coalesce(edges.next_mono_ns, facts.last_mono_ns) as end_mono_ns
    from edges
    inner join result.drive_facts as facts on edges.drive_id = facts.drive_id
    where not edges.is_known
    union all
    select
        facts.drive_id,
        facts.first_mono_ns as start_mono_ns,
        coalesce(firsts.mono_ns, facts.last_mono_ns) as end_mono_ns
    from result.drive_facts as facts
    left join firsts on facts.drive_id = firsts.drive_id
),

final as (
    select
        gaps.drive_id,
        gaps.start_mono_ns,
        gaps.end_mono_ns,
        sum(
            least(gaps.end_mono_ns, intervals.end_mono_ns)
            - greatest(gaps.start_mono_ns, intervals.start_mono_ns)
        )::bigint as known_ns
    from gaps
    inner join result.state_intervals as intervals
        on
            gaps.drive_id = intervals.drive_id
            and gaps.start_mono_ns < intervals.end_mono_ns
            and gaps.end_mono_ns > intervals.start_mono_ns
    where intervals.mode <> 'unknown'
    group by gaps.drive_id, gaps.start_mono_ns, gaps.end_mono_ns
    having known_ns > (select max_gap_ns from result.thresholds)
)

select * from final;
