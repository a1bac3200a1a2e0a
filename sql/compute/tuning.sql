-- How well openpilot steers, by speed band, while it steers alone.
--
-- grain:   one row per (drive_id, speed_band)
-- null:    what the logs don't give: curvatures, torque (it is not the command where steering is by
--          angle), samples near enough for oscillations; a field that is 0 throughout was not logged
-- why:     services meet in tenths of a second, which hold samples of each even at 10 Hz; the angle
--          and the torque's side are read from bins of 0.05 s; power is that of a Hann window over
--          200 bins without their linear trend (which only sines see), at 0.3, 0.4 ... 3.0 Hz, and
--          given back what the means over bins take away
create or replace view compute.tuning as
with

steps as (
    select drive_id, mono_ns, next_mono_ns, v_ego_mps, steering_angle_deg
    from staging.tuning_steps
),

tenths as (
    select
        drive_id,
        mono_ns // 100000000 as tenth_num,
        sum(next_mono_ns - mono_ns) as measured_ns,
        arg_min(v_ego_mps, mono_ns) as first_mps,
        fsum(v_ego_mps) / count(*) as mean_mps
    from steps
    group by drive_id, tenth_num
),

banded as (
    select
        tenths.drive_id,
        speed_band(tenths.first_mps) as speed_band,
        tenths.measured_ns,
        errors.error_per_m * tenths.mean_mps * tenths.mean_mps as error_mps2,
        errors.has_desired,
        errors.has_actual,
        commands.saturated_fraction,
        commands.has_torque
    from tenths
    left join staging.curvature_errors as errors
        on tenths.drive_id = errors.drive_id and tenths.tenth_num = errors.tenth_num
    left join staging.torque_commands as commands
        on tenths.drive_id = commands.drive_id and tenths.tenth_num = commands.tenth_num
),

bands as (
    select
        drive_id,
        speed_band,
        sum(measured_ns) as measured_ns,
        sum(measured_ns) filter (where error_mps2 is not null) as error_ns,
        fsum(error_mps2 * (measured_ns / 1e9)) as error_mps,
        quantile_cont(error_mps2, 0.95) as error_p95_mps2,
        bool_or(has_desired) as has_desired,
        bool_or(has_actual) as has_actual,
        sum(measured_ns) filter (where saturated_fraction is not null) as command_ns,
        fsum(saturated_fraction * (measured_ns / 1e9)) as saturated_s,
        bool_or(has_torque) as has_torque
    from banded
    group by drive_id, speed_band
),

angles as (
    select
        drive_id,
        mono_ns // 50000000 as bin_num,
        min(mono_ns) as mono_ns,
        max(next_mono_ns) as next_mono_ns,
        sum(next_mono_ns - mono_ns) as duration_ns,
        arg_min(v_ego_mps, mono_ns) as first_mps,
        fsum(steering_angle_deg) / count(*) as angle_deg,
        count(*) as n_samples
    from steps
    where next_mono_ns - mono_ns <= 50000000 and steering_angle_deg is not null
    group by drive_id, bin_num
),

torques as (
    select
        drive_id,
        mono_ns // 50000000 as bin_num,
        sign(fsum(torque)) as side
    from log.car_control
    group by drive_id, bin_num
),

bins as (
    select
        angles.drive_id,
        angles.bin_num,
        angles.duration_ns,
        angles.first_mps,
        angles.angle_deg,
        angles.n_samples,
        torques.side is not null as has_command,
        nullif(torques.side, 0) as side,
        case
            when (angles.mono_ns is distinct from lag(angles.next_mono_ns) over by_time)
                then angles.bin_num
        end as first_bin_num
    from angles
    left join torques
        on angles.drive_id = torques.drive_id and angles.bin_num = torques.bin_num
    where angles.next_mono_ns - angles.mono_ns = angles.duration_ns
    window by_time as (partition by angles.drive_id order by angles.bin_num)
),

runs as (
    select
        *,
        max(first_bin_num) over until_now as run_num,
        lag(side ignore nulls) over by_time as previous_side,
        lag(case when side is not null then bin_num end ignore nulls) over by_time
            as previous_side_num
    from bins
    window
        by_time as (partition by drive_id order by bin_num),
        until_now as (
            partition by drive_id order by bin_num
            rows between unbounded preceding and current row
        )
),

parts as (
    select
        drive_id,
        run_num,
        (bin_num - run_num) // 200 as part_num,
        arg_min(first_mps, bin_num) as first_mps,
        list(angle_deg order by bin_num) as angles_deg,
        sum(n_samples) / 200 as samples_per_bin,
        count(*) as n_bins,
        bool_or(angle_deg <> 0) as has_angle,
        sum(duration_ns) filter (where has_command) as followed_ns,
        count(*) filter (where side <> previous_side and previous_side_num >= run_num)
            as n_sign_flips
    from runs
    group by drive_id, run_num, part_num
),

waves as (
    select
        frequencies.k,
        moments.i,
        moments.i - 99.5 as since_middle,
        (1 - cos(pi() * moments.i / 100)) / 2 * cos(pi() * frequencies.k * moments.i / 100)
            as cosine,
        (1 - cos(pi() * moments.i / 100)) / 2 * sin(pi() * frequencies.k * moments.i / 100) as sine
    from range(3, 31) as frequencies (k)
    cross join range(200) as moments (i)
),

trends as (
    select
        k,
        sum(sine * since_middle) / sum(since_middle * since_middle) as sine_per_bin
    from waves
    group by k
),

terms as (
    select
        pi() * waves.k / 200 as half_turn,
        list(waves.cosine order by waves.i) as cosines,
        list(waves.sine - trends.sine_per_bin * waves.since_middle order by waves.i) as sines,
        count(*) as n_bins
    from waves
    inner join trends on waves.k = trends.k
    group by waves.k
),

powers as (
    select
        parts.drive_id,
        speed_band(any_value(parts.first_mps)) as speed_band,
        any_value(parts.followed_ns) as followed_ns,
        any_value(parts.n_sign_flips) as n_sign_flips,
        any_value(parts.has_angle) as has_angle,
        fsum(
            (
                pow(list_dot_product(parts.angles_deg, terms.cosines), 2)
                + pow(list_dot_product(parts.angles_deg, terms.sines), 2)
            )
            * pow(
                parts.samples_per_bin * sin(terms.half_turn / parts.samples_per_bin)
                / sin(terms.half_turn),
                2
            )
        ) / 7500 as power_deg2
    from parts
    left join terms on parts.n_bins = terms.n_bins
    group by parts.drive_id, parts.run_num, parts.part_num
),

oscillations as (
    select
        drive_id,
        speed_band,
        sum(followed_ns) as followed_ns,
        sum(n_sign_flips) as n_sign_flips,
        bool_or(has_angle) as has_angle,
        count(power_deg2) as n_windows,
        fsum(power_deg2) as power_deg2
    from powers
    group by drive_id, speed_band
),

control_types as (
    select drive_id, arg_min(steer_control_type, mono_ns) as steer_control_type
    from log.car_params
    group by drive_id
),

joined as (
    select
        bands.drive_id,
        bands.speed_band,
        bands.measured_ns,
        bands.error_ns,
        bands.error_mps,
        bands.error_p95_mps2,
        bands.command_ns,
        bands.saturated_s,
        oscillations.followed_ns,
        oscillations.n_sign_flips,
        oscillations.n_windows,
        oscillations.power_deg2,
        (
            bool_or(bands.has_desired) over by_drive
            and bool_or(bands.has_actual) over by_drive
        ) as has_error,
        (
            bool_or(bands.has_torque) over by_drive
            and coalesce(control_types.steer_control_type, 'torque') = 'torque'
        ) as has_command,
        bool_or(oscillations.has_angle) over by_drive as has_angle
    from bands
    left join oscillations
        on
            bands.drive_id = oscillations.drive_id
            and bands.speed_band = oscillations.speed_band
    left join control_types on bands.drive_id = control_types.drive_id
    window by_drive as (partition by bands.drive_id)
),

known as (
    select
        drive_id,
        speed_band,
        measured_ns::bigint as measured_ns,
        case when has_error then error_ns end::bigint as error_ns,
        case when has_error then error_mps end as error_mps,
        case when has_error then error_p95_mps2 end as error_p95_mps2,
        case when has_command then command_ns end::bigint as command_ns,
        case when has_command then saturated_s end as saturated_s,
        case when has_command then followed_ns end::bigint as followed_ns,
        case when has_command and followed_ns > 0 then n_sign_flips end::bigint as n_sign_flips,
        case when has_angle then nullif(n_windows, 0) end::bigint as n_windows,
        case when has_angle then power_deg2 end as power_deg2
    from joined
),

final as (
    select
        drive_id,
        speed_band,
        measured_ns / 1e9 as measured_s,
        error_ns / 1e9 as lateral_error_s,
        error_mps / (nullif(error_ns, 0) / 1e9) as lateral_error_mean_mps2,
        error_p95_mps2 as lateral_error_p95_mps2,
        command_ns / 1e9 as command_s,
        saturated_s / (nullif(command_ns, 0) / 1e9) as saturated_fraction,
        n_windows * 10.0::double as oscillation_s,
        sqrt(power_deg2 / n_windows) as oscillation_rms_deg,
        followed_ns / 1e9 as sign_flips_s,
        n_sign_flips / (followed_ns / 1e9) as sign_flips_per_s
    from known
)

select * from final;
comment on column tuning.drive_id is 'number of the drive in this database';
comment on column tuning.dongle_id is 'the device';
comment on column tuning.drive is 'name of the drive, its log id';
comment on column tuning.speed_band is 'city ({tuning_min_speed_mps} to {city_max_mps} m/s), road (under {road_max_mps} m/s) or highway';
comment on column tuning.measured_s is 'time at such speeds with openpilot steering and the driver''s hands off the wheel';
comment on column tuning.lateral_error_s is 'part of measured_s with a desired and an actual curvature; null before 0.8.14, which brought the desired one';
comment on column tuning.lateral_error_mean_mps2 is 'mean over time of |desired - actual curvature| x speed squared';
comment on column tuning.lateral_error_p95_mps2 is 'its 95th percentile over samples';
comment on column tuning.command_s is 'part of measured_s with a torque command; null for cars steered by angle or curvature';
comment on column tuning.saturated_fraction is 'share of command_s with {saturation_min_torque} or more of the torque commanded';
comment on column tuning.oscillation_s is 'part of measured_s in whole windows of 10 s; null where samples are further than 0.05 s apart, as in qlogs';
comment on column tuning.oscillation_rms_deg is 'RMS of the steering angle''s part between 0.3 and 3 Hz';
comment on column tuning.sign_flips_s is 'part of command_s with samples at most 0.05 s apart; null where there are none, as in qlogs';
comment on column tuning.sign_flips_per_s is 'times that the torque command, averaged over 0.05 s, changes its side, zeros aside';
