-- Moments from which on enabled and active may have other values.
--
-- grain:   one row per (drive_id, mono_ns)
-- reads:   staging.control_samples, log.segment, result.thresholds
-- null:    never
-- why:     is_known is false from a sample that nothing follows within the gap; qlogs before
--          2021-07 have one sample a second, give or take a millisecond
create or replace view staging.control_edges as
with

samples as (
    select
        samples.drive_id,
        samples.mono_ns,
        samples.segment_num,
        samples.enabled,
        samples.active,
        case
            when segment.log_kind = 'qlog' then (select max_gap_qlog_ns from result.thresholds)
            else (select max_gap_ns from result.thresholds)
        end as max_gap_ns,
        lag(samples.mono_ns) over by_time as previous_mono_ns,
        lag(samples.segment_num) over by_time as previous_segment_num,
        lag(samples.enabled) over by_time as previous_enabled,
        lag(samples.active) over by_time as previous_active,
        lead(samples.mono_ns) over by_time as next_mono_ns,
        lead(samples.segment_num) over by_time as next_segment_num
    from staging.control_samples as samples
    inner join log.segment
        on samples.drive_id = segment.drive_id and samples.segment_num = segment.segment_num
    window by_time as (
        partition by samples.drive_id
        order by samples.mono_ns, samples.segment_num, samples.message_num
    )
),

steps as (
    select
        drive_id,
        mono_ns,
        enabled,
        active,
        (
            coalesce(next_mono_ns - mono_ns <= max_gap_ns, false)
            and next_segment_num - segment_num <= 1
        ) as is_known,
        (
            enabled = previous_enabled
            and active = previous_active
            and mono_ns > previous_mono_ns
            and mono_ns - previous_mono_ns <= least(
                (select max_gap_ns from result.thresholds),
                (select max_gap_qlog_ns from result.thresholds)
            )
            and segment_num - previous_segment_num <= 1
        ) as is_same
    from samples
    where next_mono_ns is null or next_mono_ns > mono_ns
),

final as (
    select
        drive_id,
        mono_ns,
        is_known,
        enabled,
        active
    from steps
    where not is_known or is_same is distinct from true
)

select * from final;
