-- Presses of wheel and accelerator as the lists of events tell them, where carState is too coarse.
--
-- grain:   one row per (drive_id, input, start_mono_ns)
-- null:    unseen_from_ns where it is known when it began
-- why:     openpilot adds its override events in each frame that is pressed, and lists are whole in
--          qlogs too: there, and where carState is missing at some moment of it, they tell when a press
--          began and ended
create or replace view staging.coarse_presses as
with

spans as (
    select
        drive_id,
        unnest(
            [
                case when override_lateral then 'steering' end,
                case when override_longitudinal then 'gas' end
            ]
        ) as input,
        start_mono_ns,
        end_mono_ns,
        unseen_from_ns
    from result.event_spans
    where (override_lateral or override_longitudinal) and end_mono_ns > start_mono_ns
),

in_segments as (
    select spans.*, starts.segment_num
    from spans
    asof inner join result.segment_starts as starts
        on spans.drive_id = starts.drive_id and spans.start_mono_ns >= starts.start_mono_ns
    where spans.input is not null
),

edges as (
    select in_segments.*, edges.is_known
    from in_segments
    asof left join result.car_state_edges as edges
        on
            in_segments.drive_id = edges.drive_id
            and in_segments.start_mono_ns >= edges.mono_ns
),

silences as (
    select drive_id, mono_ns
    from result.car_state_edges
    where not is_known
),

silent as (
    select distinct edges.drive_id, edges.input, edges.start_mono_ns
    from edges
    inner join silences
        on
            edges.drive_id = silences.drive_id
            and edges.start_mono_ns <= silences.mono_ns
            and edges.end_mono_ns > silences.mono_ns
),

final as (
    select
        edges.drive_id,
        edges.input,
        edges.start_mono_ns,
        max(edges.end_mono_ns) as end_mono_ns,
        min(edges.unseen_from_ns) as unseen_from_ns
    from edges
    inner join log.segment as segment
        on edges.drive_id = segment.drive_id and edges.segment_num = segment.segment_num
    left join silent
        on
            edges.drive_id = silent.drive_id
            and edges.input = silent.input
            and edges.start_mono_ns = silent.start_mono_ns
    where
        segment.log_kind = 'qlog'
        or not coalesce(edges.is_known, false)
        or silent.drive_id is not null
    group by edges.drive_id, edges.input, edges.start_mono_ns
)

select * from final;
