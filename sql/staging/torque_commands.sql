-- The steering torque that openpilot commands, in tenths of a second.
--
-- grain:   one row per (drive_id, tenth_num): logMonoTime in whole tenths
-- null:    saturated_fraction where torque is null throughout
-- why:     a car that is not steered by torque has 0 there, so has_torque says if it ever is not
create or replace view staging.torque_commands as
with

commands as (
    select
        drive_id,
        mono_ns // 100000000 as tenth_num,
        torque,
        (abs(torque) >= (select saturation_min_torque from result.thresholds)) as is_saturated
    from log.car_control
),

final as (
    select
        drive_id,
        tenth_num,
        count(*) filter (where is_saturated) / nullif(count(torque), 0) as saturated_fraction,
        bool_or(torque <> 0) as has_torque
    from commands
    group by drive_id, tenth_num
)

select * from final;
