-- What the driving model sees and wants, message by message.
--
-- grain:   one row per (drive_id, segment_num, message_num)
-- null:    what the log does not say; at_utc without a clock that was set
-- why:     of logs that have both, drivingModelData alone: modelV2 says the same
create or replace view model_samples as
with

final as (
    select
        samples.drive_id,
        samples.segment_num,
        samples.message_num,
        samples.mono_ns,
        samples.left_lane_prob_fraction,
        samples.right_lane_prob_fraction,
        samples.curvature_per_m as model_curvature_per_m,
        samples.accel_mps2 as model_accel_mps2,
        samples.should_stop as model_should_stop,
        samples.lane_change_state,
        samples.lane_change_direction,
        samples.frame_drop_percent as model_frame_drop_percent
    from log.model as samples
)

select * from final;
