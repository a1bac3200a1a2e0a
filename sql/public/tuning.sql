-- How well openpilot steers, by speed band, while it steers alone.
--
-- grain:   one row per (drive_id, speed_band)
-- reads:   result.tuning, log.drive
-- null:    each number where the drive's logs don't give it, and then the time that it is over
create or replace view tuning as
with

final as (
    select
        tuning.drive_id,
        drive.dongle_id,
        drive.drive,
        tuning.speed_band,
        tuning.measured_ns / 1e9 as measured_s,
        tuning.error_ns / 1e9 as lateral_error_s,
        tuning.error_mps / (nullif(tuning.error_ns, 0) / 1e9) as lateral_error_mean_mps2,
        tuning.error_p95_mps2 as lateral_error_p95_mps2,
        tuning.command_ns / 1e9 as command_s,
        tuning.saturated_s / (nullif(tuning.command_ns, 0) / 1e9) as saturated_fraction,
        tuning.n_windows * 10.0::double as oscillation_s,
        sqrt(tuning.power_deg2 / tuning.n_windows) as oscillation_rms_deg,
        tuning.followed_ns / 1e9 as sign_flips_s,
        tuning.n_sign_flips / (tuning.followed_ns / 1e9) as sign_flips_per_s
    from result.tuning as tuning
    inner join log.drive on tuning.drive_id = drive.drive_id
)

select * from final;
comment on column tuning.drive_id is 'number of the drive in this database';
comment on column tuning.dongle_id is 'the device';
comment on column tuning.drive is 'name of the drive, its log id';
comment on column tuning.speed_band is 'city (5 to 15.3 m/s), road (under 25 m/s) or highway';
comment on column tuning.measured_s is 'time at such speeds with openpilot steering and the driver''s hands off the wheel';
comment on column tuning.lateral_error_s is 'part of measured_s with a desired and an actual curvature; null before 0.8.14, which brought the desired one';
comment on column tuning.lateral_error_mean_mps2 is 'mean over time of |desired - actual curvature| x speed squared';
comment on column tuning.lateral_error_p95_mps2 is 'its 95th percentile over samples';
comment on column tuning.command_s is 'part of measured_s with a torque command; null for cars steered by angle or curvature';
comment on column tuning.saturated_fraction is 'share of command_s with 99 % or more of the torque commanded';
comment on column tuning.oscillation_s is 'part of measured_s in whole windows of 10 s; null where samples are further than 0.05 s apart, as in qlogs';
comment on column tuning.oscillation_rms_deg is 'RMS of the steering angle''s part between 0.3 and 3 Hz';
comment on column tuning.sign_flips_s is 'part of command_s with samples at most 0.05 s apart; null where there are none, as in qlogs';
comment on column tuning.sign_flips_per_s is 'times that the torque command, averaged over 0.05 s, changes its side, zeros aside';
