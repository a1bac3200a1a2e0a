-- Rules that several views go by: scalar macros, kept in the database beside the views.

-- Where a message is in its drive's logs, which is not the order of time.
create or replace macro message_position(segment_num, message_num) as
segment_num::bigint * 4294967296 + message_num;

-- Where a message is in the order of time; of messages at the same time that of the file decides.
create or replace macro message_order(mono_ns, segment_num, message_num) as
mono_ns::hugeint * 18446744073709551616 + message_position(segment_num, message_num);

-- Whether what a sample says holds until the next one: that comes soon enough, and no segment is
-- missing between them. Null where there is no next one.
create or replace macro holds_until(
    mono_ns, segment_num, next_mono_ns, next_segment_num, max_gap_ns
) as
next_mono_ns > mono_ns
and next_mono_ns - mono_ns <= max_gap_ns
and next_segment_num - segment_num <= 1;

-- A flag in the lowest two bits of a number: 1 true, 0 false, 2 not told.
create or replace macro two_bits(flag) as
case when flag then 1 when flag is null then 2 else 0 end;

-- The whole seconds of logMonoTime from one moment to another: samples are found by the second that
-- they fall in, so that each meets few moments.
create or replace macro seconds_between(from_ns, until_ns) as
generate_series(from_ns // 1000000000, until_ns // 1000000000);

-- Whether a clock was set: it shows no time before openpilot's logs, and none after the day of
-- ingest and a day or so, which leaves room for time zones.
create or replace macro clock_was_set(wall_time_ns, ingested_at_utc) as
epoch_us(date_trunc('day', ingested_at_utc) + interval 1 day)::hugeint * 1000
+ (select clock_max_ahead_ns from result.thresholds) > wall_time_ns
and wall_time_ns >= (select clock_earliest_ns from result.thresholds);

-- Disengagements of an imported entry: newer ones have a count of their own instead of the old field,
-- less the one at the drive's end if the driver never engaged again.
create or replace macro entry_disengagements(entry) as
coalesce(
    try_cast(entry ->> 'intervention_count' as bigint),
    try_cast(entry ->> 'disengagement_count' as bigint),
    try_cast(entry -> 'disengagement_corrections' ->> 'corrected_count' as bigint),
    try_cast(entry ->> 'raw_disengagement_count' as bigint)
    - coalesce(
        try_cast(entry -> 'disengagement_corrections' ->> 'manual_shutdown_removed' as bigint), 0
    )
);

-- A number rounded by its binary value, as Python's round does and round() may not; null if it is none.
create or replace macro old_number(value, form) as
case when isfinite(value) then format(form, value)::double end;

-- A part in percent, or a count per 100 km, as the old system rounds it; null of nothing.
create or replace macro old_percentage(part, whole) as
case when whole > 0 then old_number(part / whole * 100, '{:.2f}') end;

-- Whether a fix is on the earth, and not at 0, 0, where a receiver is that knows nothing.
create or replace macro is_plausible_fix(latitude, longitude) as
latitude between -90 and 90
and longitude between -180 and 180
and (abs(latitude) >= 0.01 or abs(longitude) >= 0.01);

-- About how many metres are between two places that are near each other.
create or replace macro ground_distance_m(latitude, longitude, other_latitude, other_longitude) as
6371000 * radians(
    sqrt(
        (latitude - other_latitude) ^ 2
        + ((longitude - other_longitude) * cos(radians(latitude))) ^ 2
    )
);

-- Cells of the ground: how many rows of them there are, the row of a latitude, how many a row has, and
-- the column of a longitude.
create or replace macro n_cell_rows(cell_m) as greatest(round(180 * 111320 / greatest(cell_m, 1)), 1);

create or replace macro cell_row_of(latitude, n_rows) as
least(floor((latitude + 90) / 180 * n_rows), n_rows - 1);

create or replace macro n_cell_columns(cell_row, n_rows) as
greatest(round(2 * n_rows * cos(radians((cell_row + 0.5) / n_rows * 180 - 90))), 1);

create or replace macro cell_column_of(longitude, n_columns) as
floor((longitude + 180) / 360 * n_columns) % n_columns;

-- What `engagement name --place` calls a place, the nearest one that reaches it; null where none does.
create or replace macro place_called(at_latitude, at_longitude) as (
    select
        arg_min(
            names.name,
            ground_distance_m(at_latitude, at_longitude, names.latitude, names.longitude)
        )
    from store.place_name as names
    where
        ground_distance_m(at_latitude, at_longitude, names.latitude, names.longitude)
        <= names.radius_m
);

create or replace macro speed_band(speed_mps) as
case
    when speed_mps is null then 'unknown'
    when speed_mps < (select city_max_mps from result.thresholds) then 'city'
    when speed_mps < (select road_max_mps from result.thresholds) then 'road'
    else 'highway'
end;

-- The sun's ecliptic longitude in radians, by the Astronomical Almanac's short formula, which is good
-- to a hundredth of a degree; days are since noon of 2000-01-01, UTC.
create or replace macro sun_longitude_rad(days) as
radians(
    280.460 + 0.9856474 * days
    + 1.915 * sin(radians(357.528 + 0.9856003 * days))
    + 0.020 * sin(radians(2 * (357.528 + 0.9856003 * days)))
);

-- The sine of the sun's height: the sun's direction times the vertical, both from the earth's centre.
create or replace macro sun_height_sine(latitude_deg, longitude_deg, days) as
sin(radians(latitude_deg)) * sin(sun_longitude_rad(days)) * sin(radians(23.439 - 0.0000004 * days))
+ cos(radians(latitude_deg)) * (
    cos(sun_longitude_rad(days))
    * cos(radians(280.46062 + 360.98564737 * days + longitude_deg))
    + sin(sun_longitude_rad(days)) * cos(radians(23.439 - 0.0000004 * days))
    * sin(radians(280.46062 + 360.98564737 * days + longitude_deg))
);

-- The sun's height above the horizon in degrees, without refraction.
create or replace macro sun_height_deg(latitude_deg, longitude_deg, epoch_s) as
degrees(
    asin(
        -- A rounded 1 is no sine; null stays null, which `least` would leave out.
        round(sun_height_sine(latitude_deg, longitude_deg, epoch_s / 86400 - 10957.5), 12)
    )
);

-- Whether the wheel is turned away from a side: torque is positive to the left. False where either
-- is not told.
create or replace macro is_turned_against(steering_torque, side) as
coalesce(steering_torque * case side when 'left' then 1 when 'right' then -1 end < 0, false);

-- How far a label is from an event, null if too far: it belongs to the nearest, of two as near to
-- the earlier one.
create or replace macro label_distance_ns(labelled_mono_ns, event_mono_ns) as
case
    when
        abs(event_mono_ns - labelled_mono_ns) <= (select label_match_ns from result.thresholds)
        then abs(event_mono_ns - labelled_mono_ns)
end;

-- How many standard errors a 95 % interval reaches to each side: the normal distribution's 97.5 %
-- quantile.
create or replace macro z_95() as 1.959963984540054::double;

-- Wilson's 95 % interval of a share: n_of of n; null of none.
create or replace macro wilson_middle(n_of, n) as
(n_of / n + z_95() * z_95() / (2 * n)) / (1 + z_95() * z_95() / n);

create or replace macro wilson_half_width(n_of, n) as
z_95() / (1 + z_95() * z_95() / n)
* sqrt(n_of / n * (1 - n_of / n) / n + z_95() * z_95() / (4 * n * n));

create or replace macro wilson_lower(n_of, n) as
case
    when n > 0 and n_of = 0 then 0 -- which the formula meets only nearly
    when n > 0 then greatest(wilson_middle(n_of, n) - wilson_half_width(n_of, n), 0)
end;

create or replace macro wilson_upper(n_of, n) as
case
    when n > 0 and n_of = n then 1
    when n > 0 then least(wilson_middle(n_of, n) + wilson_half_width(n_of, n), 1)
end;

-- The 2.5 % quantile of the gamma distribution with a shape of at most 1, by its density's power
-- series: of one term, and what the next two add to its logarithm.
create or replace macro power_gamma_lower(shape) as exp((ln(0.025) + lgamma(shape + 1)) / shape);

create or replace macro small_gamma_lower(shape) as
power_gamma_lower(shape) * exp(
    power_gamma_lower(shape) / (shape + 1)
    + pow(power_gamma_lower(shape), 2)
    * ((1 + shape / 2) / pow(shape + 1, 2) - 1 / (2 * (shape + 2)))
);

-- How likely n_of or more of n are, each with the same chance; 1 unless they are one more than
-- expected. Where chances differ it is less likely still (Hoeffding). Terms that far out add nothing.
create or replace macro binomial_tail(n_of, n, fraction) as
case
    when n_of >= n * fraction + 1
        then
            list_sum(
                list_transform(
                    range(n_of::bigint, least(n, n_of + 1000)::bigint + 1),
                    lambda m: exp(
                        lgamma(n + 1) - lgamma(m + 1) - lgamma(n - m + 1)
                        + m * ln(fraction) + (n - m) * ln(1 - fraction)
                    )
                )
            )
    else 1
end;

-- 95 % limits of the mean of a Poisson count (Garwood), which need not be whole: the gamma
-- distribution's 2.5 % quantile of shape n, and its 97.5 % quantile of shape n + 1. The cube root of
-- such a quantile is nearly normal (Wilson and Hilferty); the terms after the first two are fitted
-- to it, at shapes from 1. Right to 1 in 400 000.
create or replace macro poisson_lower(n_events) as
case
    when n_events >= 1
        then
            n_events * pow(
                1 - z_95() / (3 * pow(n_events, 0.5)) - 0.11113755 / n_events
                + 0.005656088656 / pow(n_events, 1.5) + 0.01448386142 / pow(n_events, 2)
                + 0.03827170953 / pow(n_events, 2.5) - 0.02092877675 / pow(n_events, 3)
                + 0.03194390944 / pow(n_events, 3.5) + 0.02466433443 / pow(n_events, 4)
                - 0.05579585348 / pow(n_events, 4.5) + 0.01979920908 / pow(n_events, 5),
                3
            )
    when n_events > 0 then small_gamma_lower(n_events)
    when n_events = 0 then 0
end;

create or replace macro poisson_upper(n_events) as
(n_events + 1) * pow(
    1 + z_95() / (3 * pow(n_events + 1, 0.5)) - 0.1111130946 / (n_events + 1)
    - 0.005050887703 / pow(n_events + 1, 1.5) + 0.01873145582 / pow(n_events + 1, 2)
    - 0.019248607 / pow(n_events + 1, 2.5) + 0.01186597807 / pow(n_events + 1, 3)
    - 0.00391237777 / pow(n_events + 1, 3.5) + 0.0005354810725 / pow(n_events + 1, 4),
    3
);

-- How many standard errors a 95 % interval of Student's t reaches to each side: the normal
-- distribution's, and a polynomial in 1 / n_degrees fitted to its logarithm, of two degrees or more.
create or replace macro t_95(n_degrees) as
z_95() * exp(
    1.210364646 / n_degrees + 0.7075795303 / pow(n_degrees, 2)
    + 0.1523867561 / pow(n_degrees, 3) - 0.2364004893 / pow(n_degrees, 4)
    - 0.05916492576 / pow(n_degrees, 5) + 0.1349595689 / pow(n_degrees, 6)
    - 0.03900242793 / pow(n_degrees, 7)
);

-- A term of a sum that is the same to the digit in whichever order threads bring the terms.
create or replace macro exact(term) as try_cast(term as decimal(34, 20));

-- How much more drives' counts vary than a Poisson process', from sums over drives with exposure:
-- the greater of Pearson's dispersion and that of the sum of the counts, in which long drives weigh
-- more. Both are expanded, as most drives have no event:
-- sum (x - r e)^2 / (r e) = sum (x^2 / e) / r - 2 sum x + r sum e.
-- Null of fewer than two drives, or without events.
create or replace macro count_dispersion(
    n_drives, n_events, exposure, ratios, squares, products, exposure_squares
) as
case
    when n_drives > 1 and n_events > 0 and exposure > 0
        then
            greatest(
                (ratios / n_events * exposure - n_events) / (n_drives - 1),
                (
                    squares
                    - 2 * n_events / exposure * products
                    + pow(n_events / exposure, 2) * exposure_squares
                ) / n_events * n_drives / (n_drives - 1),
                0
            )
end;

-- How many degrees of freedom a group's own dispersion has: fewer than its drives, as counts are
-- skew. Their excess kurtosis is taken as that of a process with the other drives' dispersion, or, of
-- many drives among few others, as all of a database, with their own.
create or replace macro excess_kurtosis(mean_events, process_dispersion) as
6 * (process_dispersion - 1) / mean_events + 1 / (mean_events * process_dispersion);

create or replace macro own_degrees(n_drives, n_events, process_dispersion) as
greatest(n_drives - 1, 0) * 2
/ (
    2
    + 0.3 * excess_kurtosis(greatest(n_events, 0.5) / greatest(n_drives, 1), process_dispersion)
);

-- The dispersion that an interval is made by: a group's own, which has so many degrees of freedom,
-- shrunk to that of other drives. A process is no more regular than Poisson's.
create or replace macro shrunk_dispersion(own_dispersion, n_degrees, other_dispersion) as
greatest(
    (
        n_degrees * coalesce(own_dispersion, other_dispersion)
        + (select dispersion_degrees from result.thresholds) * other_dispersion
    ) / nullif(n_degrees + (select dispersion_degrees from result.thresholds), 0),
    1
);

-- What a count is divided by so that Garwood's limits are its own: that dispersion, made greater as
-- Student's t is wider than the normal distribution.
create or replace macro count_scale(own_dispersion, n_degrees, other_dispersion) as
shrunk_dispersion(own_dispersion, n_degrees, other_dispersion)
* pow(
    t_95(greatest(n_degrees + (select dispersion_degrees from result.thresholds), 2)) / z_95(), 2
);

-- 95 % limits of a rate of events; null without exposure. A lower limit below a millionth of the
-- rate, which is that of less than a quarter of an event, is 0.
create or replace macro rate_lower(n_events, exposure, scale) as
case when n_events / scale >= 0.25 then poisson_lower(n_events / scale) else 0 end
* scale / nullif(exposure, 0);

create or replace macro rate_upper(n_events, exposure, scale) as
poisson_upper(n_events / scale) * scale / nullif(exposure, 0);

-- What other drives than a group's tell of how much drives differ, null if they are too few
-- or had no event: from their sums, which are all drives' less the group's.
create or replace macro known_dispersion(
    n_drives, n_events, exposure, ratios, squares, products, exposure_squares
) as
case
    when
        n_drives >= (select other_min_drives from result.thresholds)
        and n_events > 0
        then
            greatest(
                count_dispersion(
                    n_drives, n_events, exposure, ratios, squares, products, exposure_squares
                ),
                1
            )
end;

-- Rates of groups of drives with their limits, from a table of the groups' sums: n_events and
-- exposure of all their drives, the arguments of count_dispersion of those with exposure, and the
-- known_dispersion of others. All columns stay.
create or replace macro rate_limits(sums) as table
    with

    own as (
        select
            *,
            case when known_dispersion is null then 'shipped' else 'database' end as dispersion_source,
            coalesce(known_dispersion, (select shipped_dispersion from result.thresholds))
                as other_dispersion,
            count_dispersion(
                n_exposed_drives,
                n_exposed_events,
                exposure,
                ratios,
                squares,
                products,
                exposure_squares
            ) as own_dispersion
        from query_table(sums)
    ),

    weighed as (
        select
            *,
            own_degrees(
                n_exposed_drives,
                coalesce(n_exposed_events, 0),
                case
                    when
                        known_dispersion is null
                        and n_exposed_drives >= (select other_min_drives from result.thresholds)
                        then greatest(coalesce(own_dispersion, other_dispersion), 1)
                    else other_dispersion
                end
            ) as n_degrees
        from own
    ),

    scaled as (
        select
            *,
            shrunk_dispersion(own_dispersion, n_degrees, other_dispersion) as dispersion,
            count_scale(own_dispersion, n_degrees, other_dispersion) as scale
        from weighed
    )

    select
        * replace (
            case when exposure > 0 then dispersion_source end as dispersion_source,
            case when exposure > 0 then dispersion end as dispersion
        ),
        n_events / nullif(exposure, 0) as rate,
        rate_lower(n_events, exposure, scale) as rate_lower,
        rate_upper(n_events, exposure, scale) as rate_upper
    from scaled;

-- How many engagements of each group lasted so long, and how many at least so long, from a table of
-- them like group_engagements. Of equal lengths ends come first: what is censored was at risk of them.
create or replace macro lengths_at_risk(engagements) as table
    with

    counted as (
        select
            grouped_by,
            group_name,
            length_num,
            any_value(duration_s) as duration_s,
            bool_and(is_end) as is_end,
            count(*) as n_equal
        from query_table(engagements)
        group by grouped_by, group_name, length_num
    )

    select
        *,
        sum(n_equal) over (
            partition by grouped_by, group_name
            order by length_num desc
            rows between unbounded preceding and current row
        )::bigint as n_at_risk
    from counted;

-- What is of a mode: engaged, lateral_only, neither of them, or any where there is none.
create or replace macro in_mode(mode, of_engaged, of_lateral_only, of_all) as
case
    when mode is null then of_all
    when mode = 'engaged' then of_engaged
    when mode = 'lateral_only' then of_lateral_only
    when of_all < of_engaged + of_lateral_only then 0
    else of_all - of_engaged - of_lateral_only
end;

-- The number of a group among all; the least ones are left for whole drives.
create or replace macro group_number(grouped_by, group_name) as
greatest(hash(grouped_by, group_name), 9);

-- Whether an event, or the kind of one, is a moment that somebody described and saved.
create or replace macro is_saved_moment(event) as starts_with(event, 'moment:');

-- What `mtbf` has the times between, and `rates` leaves out.
create or replace macro is_failure(event) as
ends_with(event, '_failure') and not is_saved_moment(event);

-- The modes of rates in which a saved moment counts, and the driving in which it could be told.
create or replace macro moment_modes(mode) as
case when mode in ('engaged', 'lateral_only') then [mode, 'assisted', 'any'] else ['any'] end;

-- The number that stands for whole drives as far as an event of the old system is known of them; 0 if
-- it is none.
create or replace macro legacy_number(event) as
coalesce(list_position(['legacy_disengagement', 'legacy_steer_intervention'], event), 0)::ubigint;

-- When a sample was logged; null where no clock was set.
create or replace macro wall_time(started_at, first_mono_ns, mono_ns) as
started_at + to_microseconds((mono_ns - first_mono_ns) // 1000);

-- A grid of hz ticks a second: its step, of which each tick is a multiple in logMonoTime, and the first
-- tick that is not before a moment.
create or replace macro step_ns(hz) as (1000000000 / hz)::bigint;

create or replace macro tick_from(mono_ns, hz) as (mono_ns + step_ns(hz) - 1) // step_ns(hz);

-- Time to the car in front at this closing speed, and time headway; null where a definition of
-- theirs does not hold.
create or replace macro time_to_collision_s(is_present, d_rel_m, v_rel_mps, min_closing_mps) as
case when is_present and d_rel_m > 0 and v_rel_mps < -min_closing_mps then d_rel_m / -v_rel_mps end;

create or replace macro time_headway_s(is_present, d_rel_m, v_ego_mps, min_speed_mps) as
case when is_present and d_rel_m > 0 and v_ego_mps > min_speed_mps then d_rel_m / v_ego_mps end;

-- A number, null where it is infinite or none.
create or replace macro only_finite(number) as case when isfinite(number) then number end;
