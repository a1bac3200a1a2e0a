-- Moments from which on enabled and active may have other values.
--
-- grain:   one row per (drive_id, mono_ns)
-- reads:   staging.control_samples, staging.thresholds
-- null:    never; is_known is false from a sample that nothing follows within the gap
create or replace view staging.control_edges as
with

samples as (
    select
        drive_id,
        mono_ns,
        segment_num,
        enabled,
        active,
        lag(mono_ns) over by_time as previous_mono_ns,
        lag(segment_num) over by_time as previous_segment_num,
        lag(enabled) over by_time as previous_enabled,
        lag(active) over by_time as previous_active,
        lead(mono_ns) over by_time as next_mono_ns,
        lead(segment_num) over by_time as next_segment_num
    from staging.control_samples
    window by_time as (partition by drive_id order by mono_ns, segment_num, message_num)
),

steps as (
    select
        drive_id,
        mono_ns,
        enabled,
        active,
        (
            coalesce(next_mono_ns - mono_ns <= (select max_gap_ns from staging.thresholds), false)
            and next_segment_num - segment_num <= 1
        ) as is_known,
        (
            enabled = previous_enabled
            and active = previous_active
            and mono_ns > previous_mono_ns
            and mono_ns - previous_mono_ns <= (select max_gap_ns from staging.thresholds)
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
