-- When each segment begins, by openpilot's own state.
--
-- grain:   one row per (drive_id, start_mono_ns)
-- null:    never
create or replace view compute.segment_starts as
with

starts as (
    select drive_id, segment_num, min(mono_ns) as start_mono_ns
    from staging.control_samples
    group by drive_id, segment_num
),

final as (
    select drive_id, start_mono_ns, max(segment_num)::integer as segment_num
    from starts
    group by drive_id, start_mono_ns
)

select * from final;
