-- Speeds around events, one at a time.
--
-- grain:   one row per (drive_id, kind, event_mono_ns, mono_ns): of samples at the same time the last
-- null:    never: samples without a speed are left out
create or replace view staging.event_speeds as
with

final as (
    select
        drive_id,
        kind,
        event_mono_ns,
        mono_ns,
        arg_max(v_ego_mps, message_position(segment_num, message_num)) as v_ego_mps
    from staging.event_samples
    where v_ego_mps is not null
    group by drive_id, kind, event_mono_ns, mono_ns
)

select * from final;
