-- Spans in which openpilot is in one state of changing lanes.
--
-- grain:   one row per (drive_id, source, start_mono_ns)
-- null:    end_mono_ns in a drive's last one; direction where the log does not have it
-- why:     base rows are changes: a state holds until the next one
create or replace view staging.lane_change_spans as
with

final as (
    select
        drive_id,
        source,
        state,
        direction,
        mono_ns as start_mono_ns,
        lead(mono_ns) over (
            partition by drive_id, source order by mono_ns, segment_num, message_num
        ) as end_mono_ns
    from log.lane_change
)

select * from final;
