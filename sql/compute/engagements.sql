-- Engagements: maximal runs of being engaged, or of steering alone, short off-runs and pauses apart.
--
-- grain:   one row per (drive_id, engagement_num)
-- null:    to_mode where the log or a gap hides what follows; the window of its cause where the end is
--          not one of a known moment; distance_km is 0 where the speed is not known
-- why:     engagements that follow each other in time that is known, with hardly any off between, are
--          one stretch of assistance: assisted_num says which. The window in which a cause is looked
--          for opens, where the end lies between two samples of a coarse log, at the earlier one
create or replace view compute.engagements as
with

spans as (
    select
        drive_id,
        engagement_num,
        any_value(mode) as mode,
        min(start_mono_ns) as start_mono_ns,
        max(end_mono_ns) as end_mono_ns
    from result.assisted_runs
    group by drive_id, engagement_num
),

intervals as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        mode,
        start_uncertainty_ns
    from result.state_intervals
),

spans_in_order as (
    select
        *,
        lag(end_mono_ns) over by_time as previous_end_ns,
        lead(start_mono_ns) over by_time as next_start_ns,
        lead(mode) over by_time as next_mode,
        min(case when mode = 'engaged' then start_mono_ns end) over after as next_engaged_ns
    from spans
    window
        by_time as (partition by drive_id order by start_mono_ns),
        after as (
            partition by drive_id order by start_mono_ns
            rows between 1 following and unbounded following
        )
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
    inner join result.interval_motion as motion
        on
            spans.drive_id = motion.drive_id
            and spans.mode = motion.mode
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

parted as (
    select distinct spans.drive_id, spans.engagement_num
    from spans_in_order as spans
    inner join intervals
        on
            spans.drive_id = intervals.drive_id
            and spans.previous_end_ns <= intervals.start_mono_ns
            and spans.start_mono_ns > intervals.start_mono_ns
    where intervals.mode = 'unknown'
),

pre_enabled_soon as (
    select distinct spans.drive_id, spans.engagement_num
    from spans
    inner join intervals
        on
            spans.drive_id = intervals.drive_id
            and spans.end_mono_ns <= intervals.start_mono_ns
            and spans.end_mono_ns + (select engagement_min_off_ns from result.thresholds)
            > intervals.start_mono_ns
            and intervals.mode = 'pre_enabled'
    left join unknowns_after
        on
            spans.drive_id = unknowns_after.drive_id
            and spans.engagement_num = unknowns_after.engagement_num
    where
        spans.mode = 'lateral_only'
        and coalesce(unknowns_after.unknown_from_ns > intervals.start_mono_ns, true)
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
    select distinct spans.drive_id, spans.engagement_num
    from spans_in_order as spans
    inner join result.car_state_runs as runs
        on
            spans.drive_id = runs.drive_id
            and spans.end_mono_ns < runs.end_mono_ns
            and spans.end_mono_ns + (select end_of_drive_ns from result.thresholds)
            >= runs.start_mono_ns
    where spans.next_start_ns is null and runs.flag = 'park'
),

ended as (
    select
        spans.drive_id,
        spans.engagement_num,
        spans.mode,
        spans.start_mono_ns,
        spans.end_mono_ns,
        spans.previous_end_ns,
        coalesce(distances.distance_km, 0)::double as distance_km,
        case
            when before.mode is null or before.mode = 'unknown' then 'unknown' else 'engaged'
        end as start_kind,
        case
            when behind.mode is null or behind.mode = 'unknown' then null
            when
                spans.next_mode <> spans.mode
                and spans.next_start_ns - spans.end_mono_ns
                < (select engagement_min_off_ns from result.thresholds)
                and coalesce(unknowns_after.unknown_from_ns >= spans.next_start_ns, true)
                then spans.next_mode
            when pre_enabled_soon.engagement_num is not null then 'pre_enabled'
            when behind.mode in ('engaged', 'lateral_only') then 'manual'
            else behind.mode
        end as to_mode,
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
            least(
                case spans.mode when 'engaged' then spans.next_engaged_ns else spans.next_start_ns end,
                unknowns_after.unknown_from_ns,
                facts.last_mono_ns
            )
            - spans.end_mono_ns
        ) / 1e9 as off_s,
        behind.start_uncertainty_ns / 1e9 as end_uncertainty_s,
        coalesce(
            spans.start_mono_ns - spans.previous_end_ns
            < (select engagement_min_off_ns from result.thresholds)
            and parted.engagement_num is null,
            false
        ) as is_assisted_before
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
    left join parted
        on spans.drive_id = parted.drive_id and spans.engagement_num = parted.engagement_num
    left join pre_enabled_soon
        on
            spans.drive_id = pre_enabled_soon.drive_id
            and spans.engagement_num = pre_enabled_soon.engagement_num
    left join offs
        on spans.drive_id = offs.drive_id and spans.engagement_num = offs.engagement_num
    left join parks
        on spans.drive_id = parks.drive_id and spans.engagement_num = parks.engagement_num
),

numbered as (
    select
        drive_id,
        engagement_num,
        mode,
        start_mono_ns,
        end_mono_ns,
        (end_mono_ns - start_mono_ns) / 1e9 as duration_s,
        distance_km,
        start_kind,
        case
            when
                end_kind in ('disengagement', 'end_of_drive')
                and mode = 'lateral_only'
                and to_mode in ('engaged', 'pre_enabled')
                then 'upgrade'
            else end_kind
        end as end_kind,
        to_mode,
        off_s,
        case when end_kind not in ('end_of_log', 'gap') then end_uncertainty_s end
            as end_uncertainty_s,
        sum((not is_assisted_before)::int) over (
            partition by drive_id order by start_mono_ns
            rows between unbounded preceding and current row
        )::integer as assisted_num
    from ended
),

final as (
    select
        *,
        case
            when end_kind in ('disengagement', 'end_of_drive')
                then
                    end_mono_ns
                    - greatest(
                        (select cause_before_ns from result.thresholds),
                        coalesce(end_uncertainty_s * 1e9, 0)
                    )::bigint
        end as cause_from_mono_ns,
        case
            when end_kind in ('disengagement', 'end_of_drive')
                then end_mono_ns + (select cause_after_ns from result.thresholds)
        end as cause_until_mono_ns
    from numbered
)

select * from final;
comment on column engagements.drive_id is 'number of the drive in this database';
comment on column engagements.engagement_num is 'number of the engagement in its drive, from 1';
comment on column engagements.mode is 'engaged, or lateral_only: steering without being enabled (MADS, always-on lateral)';
comment on column engagements.start_mono_ns is 'logMonoTime of the start';
comment on column engagements.end_mono_ns is 'logMonoTime of the end, which is not part of it';
comment on column engagements.duration_s is 'end - start';
comment on column engagements.distance_km is 'distance driven in it';
comment on column engagements.start_kind is 'engaged, or unknown where the log or a gap hides the start';
comment on column engagements.end_kind is 'disengagement, upgrade (steering alone turns into engaged), end_of_drive, end_of_log, or gap; the last two are censored';
comment on column engagements.to_mode is 'mode that follows; null where the log or a gap hides it';
comment on column engagements.end_uncertainty_s is 'time in which the end must lie: between two samples, 0 where an event of a qlog tells';
comment on column engagements.assisted_num is 'number of the stretch of assistance in its drive: engagements of either mode that follow each other with hardly any off between';
