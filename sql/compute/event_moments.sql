-- When and where who drives changed, at ends of engagements and overrides; and saved moments.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- null:    duration_s of an end; engagement_num of a saved moment; speed and place where none was
--          sampled shortly before; the model where nothing tells it
create or replace view compute.event_moments as
with

moments as (
    select
        drive_id,
        'disengagement' as kind,
        mono_ns,
        engagement_num,
        mode,
        null::double as duration_s
    from result.end_causes
    union all
    select drive_id, axis || '_override' as kind, start_mono_ns, engagement_num, mode, duration_s
    from result.overrides
    union all
    select
        drive_id,
        kind,
        mono_ns,
        null as engagement_num,
        mode,
        (end_mono_ns - mono_ns) / 1e9 as duration_s
    from result.moment_runs
),

times as (
    select distinct
        drive_id,
        mono_ns,
        mono_ns - (select max_gap_ns from result.thresholds) as from_mono_ns
    from moments
),

seconds as (
    select *, unnest(seconds_between(from_mono_ns, mono_ns)) as mono_second
    from times
),

speeds as (
    select
        seconds.drive_id,
        seconds.mono_ns,
        arg_max_null(
            car_state.v_ego_mps,
            message_order(car_state.mono_ns, car_state.segment_num, car_state.message_num)
        )::double as speed_mps
    from seconds
    inner join log.car_state
        on
            seconds.drive_id = car_state.drive_id
            and seconds.mono_second = car_state.mono_ns // 1000000000
            and seconds.from_mono_ns <= car_state.mono_ns
            and seconds.mono_ns >= car_state.mono_ns
    group by seconds.drive_id, seconds.mono_ns
),

segments as (
    select times.drive_id, times.mono_ns, starts.segment_num
    from times
    asof inner join result.segment_starts as starts
        on times.drive_id = starts.drive_id and times.mono_ns >= starts.start_mono_ns
),

places as (
    select times.drive_id, times.mono_ns, fixes.latitude, fixes.longitude
    from times
    asof inner join staging.fixes as fixes
        on times.drive_id = fixes.drive_id and times.mono_ns >= fixes.mono_ns
    where
        times.mono_ns - fixes.mono_ns <= (select position_max_age_ns from result.thresholds)
),

models as (
    select times.drive_id, times.mono_ns, nullif(spans.model, 'unknown') as model
    from times
    asof inner join result.part_spans as spans
        on times.drive_id = spans.drive_id and times.mono_ns > spans.start_mono_ns
),

final as (
    select
        moments.drive_id,
        moments.kind,
        moments.mono_ns,
        moments.engagement_num,
        moments.mode,
        moments.duration_s,
        segments.segment_num,
        speeds.speed_mps,
        places.latitude,
        places.longitude,
        models.model
    from moments
    left join segments
        on moments.drive_id = segments.drive_id and moments.mono_ns = segments.mono_ns
    left join speeds
        on moments.drive_id = speeds.drive_id and moments.mono_ns = speeds.mono_ns
    left join places
        on moments.drive_id = places.drive_id and moments.mono_ns = places.mono_ns
    left join models
        on moments.drive_id = models.drive_id and moments.mono_ns = models.mono_ns
)

select * from final;
