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

-- Whether a clock was set: it shows no time before openpilot's logs, and none after the day of
-- ingest and a day or so, which leaves room for time zones.
create or replace macro clock_was_set(wall_time_ns, ingested_at_utc) as
epoch_us(date_trunc('day', ingested_at_utc) + interval 1 day)::hugeint * 1000
+ (select clock_max_ahead_ns from result.thresholds) > wall_time_ns
and wall_time_ns >= (select clock_earliest_ns from result.thresholds);

-- Whether a fix is on the earth, and not at 0, 0, where a receiver is that knows nothing.
create or replace macro is_plausible_fix(latitude, longitude) as
latitude between -90 and 90
and longitude between -180 and 180
and (abs(latitude) >= 0.01 or abs(longitude) >= 0.01);

create or replace macro speed_band(speed_mps) as
case
    when speed_mps is null then 'unknown'
    when speed_mps < (select city_max_mps from result.thresholds) then 'city'
    when speed_mps < (select road_max_mps from result.thresholds) then 'road'
    else 'highway'
end;

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
case when n > 0 then greatest(wilson_middle(n_of, n) - wilson_half_width(n_of, n), 0) end;

create or replace macro wilson_upper(n_of, n) as
case when n > 0 then least(wilson_middle(n_of, n) + wilson_half_width(n_of, n), 1) end;

-- 95 % limits of the mean of a Poisson count: exact from the table, as far as that goes, then by
-- Wilson and Hilferty's approximation.
create or replace macro poisson_lower(n_events) as
coalesce(
    (select limits.poisson_lower from store.confidence_limit as limits where limits.n = n_events),
    n_events * pow(1 - 1 / (9 * n_events) - z_95() / (3 * sqrt(n_events)), 3)
);

create or replace macro poisson_upper(n_events) as
coalesce(
    (select limits.poisson_upper from store.confidence_limit as limits where limits.n = n_events),
    (n_events + 1) * pow(1 - 1 / (9 * (n_events + 1)) + z_95() / (3 * sqrt(n_events + 1)), 3)
);

-- How many standard errors a 95 % interval of Student's t reaches to each side; beyond the table
-- by Fisher's expansion.
create or replace macro t_95(n_degrees) as
coalesce(
    (select limits.t_quantile from store.confidence_limit as limits where limits.n = n_degrees),
    z_95() + (pow(z_95(), 3) + z_95()) / (4 * n_degrees)
    + (5 * pow(z_95(), 5) + 16 * pow(z_95(), 3) + 3 * z_95()) / (96 * pow(n_degrees, 2))
);
