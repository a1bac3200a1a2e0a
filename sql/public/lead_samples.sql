-- The car in front, message by message.
--
-- grain:   one row per (drive_id, segment_num, message_num)
-- null:    where there is no car in front; what the log does not say; at_utc without a clock that was set
create or replace view lead_samples as
with

final as (
    select
        samples.drive_id,
        samples.segment_num,
        samples.message_num,
        samples.mono_ns,
        (samples.mono_ns - facts.first_mono_ns) / 1e9 as time_s,
        wall_time(identity.started_at_utc, facts.first_mono_ns, samples.mono_ns) as at_utc,
        samples.is_present as is_lead_present,
        samples.d_rel_m as lead_d_rel_m,
        samples.v_rel_mps as lead_v_rel_mps,
        samples.y_rel_m as lead_y_rel_m,
        samples.v_lead_mps as lead_v_mps,
        samples.a_lead_mps2 as lead_a_mps2,
        samples.model_prob_fraction as lead_model_prob_fraction,
        samples.is_radar as is_lead_radar
    from log.lead as samples
    inner join result.drive_facts as facts on samples.drive_id = facts.drive_id
    left join result.drive_identity as identity on samples.drive_id = identity.drive_id
)

select * from final;
comment on column lead_samples.time_s is 'seconds from the first sample of the drive';
comment on column lead_samples.at_utc is 'when it was logged; null without a clock that was set';
