-- Samples of openpilot's own state.
--
-- grain:   one row per message of the service that the drive is read by
-- null:    state where the schema has no name for it
-- why:     since 2024-09 controlsState's old slots read zero
create or replace view staging.control_samples as
with

selfdrive_states as (
    select drive_id, segment_num, message_num, mono_ns, enabled, active, state
    from log.selfdrive_state
),

controls_states as (
    select
        controls_state.drive_id,
        controls_state.segment_num,
        controls_state.message_num,
        controls_state.mono_ns,
        controls_state.enabled,
        controls_state.active,
        controls_state.state
    from log.controls_state
    inner join result.drive_facts as facts on controls_state.drive_id = facts.drive_id
    where not facts.has_selfdrive_state
),

final as (
    select drive_id, segment_num, message_num, mono_ns, enabled, active, state
    from selfdrive_states
    union all
    select drive_id, segment_num, message_num, mono_ns, enabled, active, state
    from controls_states
)

select * from final;
