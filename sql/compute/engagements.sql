-- Engagements: maximal runs of mode engaged, short off-runs apart.
--
-- grain:   one row per (drive_id, engagement_num)
-- reads:   result.engaged_runs, result.state_intervals, result.interval_motion,
--          result.drive_facts, log.ignition, log.car_state, result.thresholds
-- null:    never; distance_km is 0 where the speed is not known
create or replace view compute.engagements as
with

runs as (
    select drive_id, engagement_num, start_mono_ns, end_mono_ns from result.engaged_runs
),

intervals as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        mode
    from result.state_intervals
),

motion as (
    select drive_id, start_mono_ns, distance_m from result.interval_motion where mode = 'engaged'
),

spans as (
    select
        drive_id,
        engagement_num,
        min(start_mono_ns) as start_mono_ns,
        max(end_mono_ns) as end_mono_ns
    from runs
    group by drive_id, engagement_num
),

spans_in_order as (
    select
        *,
        lead(start_mono_ns) over (partition by drive_id order by start_mono_ns) as next_start_ns
    from spans
),

known as (
    select drive_id, max(end_mono_ns) as known_until_ns
    from intervals
    where mode <> 'unknown'
    group by drive_id
),

distances as (
    select
        spans.drive_id,
        spans.engagement_num,
        fsum(motion.distance_m) / 1000 as distance_km
    from spans
    inner join motion
        on
            spans.drive_id = motion.drive_id
            and spans.start_mono_ns <= motion.start_mono_ns
            and spans.end_mono_ns > motion.start_mono_ns
    group by spans.drive_id, spans.engagement_num
),

unknowns_after as (
    select
        spans.drive_id,
        spans.engagement_num,
        min(intervals.start_mono_ns) as unknown_from_ns
    from spans
    inner join intervals
        on
            spans.drive_id = intervals.drive_id
            and spans.end_mono_ns <= intervals.start_mono_ns
            and intervals.mode = 'unknown'
    group by spans.drive_id, spans.engagement_num
),

switches as (
    select
        drive_id,
        mono_ns,
        is_on,
        lag(is_on) over (
            partition by drive_id, source order by mono_ns, segment_num, message_num
        ) as was_on
    from log.ignition
),

offs as (
    select distinct spans.drive_id, spans.engagement_num
    from spans
    inner join switches
        on
            spans.drive_id = switches.drive_id
            and spans.end_mono_ns <= switches.mono_ns
            and spans.end_mono_ns + (select end_of_drive_ns from result.thresholds)
            >= switches.mono_ns
    where switches.was_on and not switches.is_on
),

parks as (
    select distinct spans_in_order.drive_id, spans_in_order.engagement_num
    from spans_in_order
    inner join log.car_state
        on
            spans_in_order.drive_id = car_state.drive_id
            and spans_in_order.end_mono_ns <= car_state.mono_ns
            and spans_in_order.end_mono_ns + (select end_of_drive_ns from result.thresholds)
            >= car_state.mono_ns
    where spans_in_order.next_start_ns is null and car_state.gear = 'park'
),

final as (
    select
        spans.drive_id,
        spans.engagement_num,
        spans.start_mono_ns,
        spans.end_mono_ns,
        (spans.end_mono_ns - spans.start_mono_ns) / 1e9 as duration_s,
        coalesce(distances.distance_km, 0)::double as distance_km,
        case
            when before.mode is null or before.mode = 'unknown' then 'unknown' else 'engaged'
        end as start_kind,
        case
            when behind.mode is null then 'end_of_log'
            when behind.mode = 'unknown' and known.known_until_ns <= spans.end_mono_ns
                then 'end_of_log'
            when behind.mode = 'unknown' then 'gap'
            when offs.engagement_num is not null or parks.engagement_num is not null
                then 'end_of_drive'
            else 'disengagement'
        end as end_kind,
        (
            least(spans.next_start_ns, unknowns_after.unknown_from_ns, facts.last_mono_ns)
            - spans.end_mono_ns
        ) / 1e9 as off_s
    from spans_in_order as spans
    inner join result.drive_facts as facts on spans.drive_id = facts.drive_id
    inner join known on spans.drive_id = known.drive_id
    left join intervals as before
        on spans.drive_id = before.drive_id and spans.start_mono_ns = before.end_mono_ns
    left join intervals as behind
        on spans.drive_id = behind.drive_id and spans.end_mono_ns = behind.start_mono_ns
    left join distances
        on
            spans.drive_id = distances.drive_id
            and spans.engagement_num = distances.engagement_num
    left join unknowns_after
        on
            spans.drive_id = unknowns_after.drive_id
            and spans.engagement_num = unknowns_after.engagement_num
    left join offs
        on spans.drive_id = offs.drive_id and spans.engagement_num = offs.engagement_num
    left join parks
        on spans.drive_id = parks.drive_id and spans.engagement_num = parks.engagement_num
)

select * from final;
