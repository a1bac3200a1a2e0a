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
        samples.is_present as is_lead_present,
        samples.d_rel_m as lead_d_rel_m,
        samples.v_rel_mps as lead_v_rel_mps,
        samples.y_rel_m as lead_y_rel_m,
        samples.v_lead_mps as lead_v_mps,
        samples.a_lead_mps2 as lead_a_mps2,
        samples.model_prob_fraction as lead_model_prob_fraction,
        samples.is_radar as is_lead_radar
    from log.lead as samples
)

select * from final;
