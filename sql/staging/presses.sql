-- Presses of wheel and accelerator, each as the source that knows its length best tells it.
--
-- grain:   one row per (drive_id, input, start_mono_ns)
-- null:    never
-- why:     in qlogs of a drive whose events tell of overrides, carState's presses give way to them
create or replace view staging.presses as
with

sampled as (
    select drive_id, flag as input, start_mono_ns, end_mono_ns
    from result.car_state_runs
    where flag in ('steering', 'gas')
),

told as (
    select
        drive_id,
        bool_or(override_lateral) as has_lateral,
        bool_or(override_longitudinal) as has_longitudinal
    from result.event_spans
    group by drive_id
),

in_segments as (
    select
        sampled.drive_id,
        sampled.input,
        sampled.start_mono_ns,
        sampled.end_mono_ns,
        starts.segment_num
    from sampled
    asof left join result.segment_starts as starts
        on sampled.drive_id = starts.drive_id and sampled.start_mono_ns >= starts.start_mono_ns
),

final as (
    select
        in_segments.drive_id,
        in_segments.input,
        in_segments.start_mono_ns,
        in_segments.end_mono_ns
    from in_segments
    left join told on in_segments.drive_id = told.drive_id
    left join log.segment as segment
        on
            in_segments.drive_id = segment.drive_id
            and in_segments.segment_num = segment.segment_num
    where
        not coalesce(
            segment.log_kind = 'qlog'
            and case in_segments.input
                when 'steering' then told.has_lateral else told.has_longitudinal
            end,
            false
        )
    union all
    select drive_id, input, start_mono_ns, end_mono_ns
    from staging.coarse_presses
)

select * from final;
