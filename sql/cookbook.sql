-- Questions that people ask, each with its query over the public views: `engagement sql --example
-- NAME` runs one, docs/cookbook.md shows all with their answers on the demo drives.

-- engaged-by-week: How much of my driving was engaged, week by week?
select group_name as week, n_drives, known_h, distance_km, moving_engaged_fraction
from groups
where grouped_by = 'week'
order by week;

-- worst-moments: Which moments were the most dangerous?
select drive, time_s, kind, cause, severity, min_ttc_s, max_drac_mps2, has_fcw
from events
where is_critical
order by severity desc nulls last
limit 5;

-- why-it-disengages: Why does openpilot disengage?
select cause, count(*) as n, count(*) filter (where is_counted) as n_counted
from disengagements
group by cause
order by n desc, cause asc;

-- who-ends-it: Is it me, the system or the car that ends an engagement?
select
    case
        when cause like 'driver%' then 'driver'
        when cause like 'system%' then 'system'
        when cause like 'car%' then 'car'
        else 'neither'
    end as who,
    count(*) as n
from disengagements
group by who
order by n desc, who asc;

-- take-overs: How often do I take over, planned or not, with how?
select
    inputs,
    is_planned,
    count(*) as n,
    count(*) filter (where is_critical) as n_critical
from interventions
group by inputs, is_planned
order by count(*) desc, inputs asc, is_planned asc
limit 8;

-- rate-by-version: Did my update make it better? Interventions by version, with their interval.
select group_name as version, n_drives, n_events, per_100km, per_100km_lower, per_100km_upper
from rates
where grouped_by = 'version' and mode = 'engaged' and event = 'intervention'
order by version;

-- by-speed: At which speeds do interventions happen?
select group_name as speed, n_events, exposure_km, per_100km, per_100km_lower, per_100km_upper
from rates
where grouped_by = 'speed_band' and mode = 'engaged' and event = 'unplanned_intervention'
order by exposure_km desc;

-- where: Where do I keep taking over?
select latitude, longitude, n_engaged_drives, n_drives_with_intervention, q_value, is_hot_spot
from places
where n_interventions > 0
order by n_drives_with_intervention desc, n_interventions desc, cell_row asc, cell_column asc
limit 5;

-- best-drives: In which drives did I take over least, and how far did they go?
select
    drive,
    car_fingerprint,
    engaged_km,
    n_interventions
from drives
where engaged_km > 0
order by n_interventions asc, engaged_km desc
limit 5;

-- longest-stretch: What is my longest distance without taking over?
select drive, start_mono_ns, duration_s, engaged_km
from clean_stretches
order by engaged_km desc
limit 3;

-- how-long: How long does an engagement last?
select group_name as car, n_engagements, engagement_median_s, engagement_median_lower_s
from groups
where grouped_by = 'car'
order by n_engagements desc;

-- short-engagements: Which engagements ended within ten seconds, and why?
select
    disengagements.drive,
    disengagements.time_s,
    engagements.duration_s,
    disengagements.cause
from disengagements
inner join engagements
    on
        disengagements.drive_id = engagements.drive_id
        and disengagements.engagement_num = engagements.engagement_num
where engagements.duration_s < 10 and disengagements.mode = 'engaged'
order by engagements.duration_s
limit 5;

-- re-engage: How soon is it engaged again after I took over?
select
    cause,
    count(*) as n,
    median(time_to_reengage_s) as median_s,
    count(*) filter (where time_to_reengage_s is null) as n_never
from events
where kind = 'disengagement' and is_counted
group by cause
order by n desc, cause asc;

-- alerts: Which alerts come up, and what did the driver do?
select
    alert_type,
    count(*) as n,
    median(reaction_s) as median_reaction_s,
    mode(first_input) as usual_input
from alerts
where is_engaged
group by alert_type
order by n desc, alert_type asc
limit 6;

-- ignored-alerts: Which alerts had no reaction within ten seconds?
select alert_type, count(*) as n, count(*) filter (where first_input is null) as n_ignored
from alerts
where is_engaged and alert_status is not null
group by alert_type
having n_ignored > 0
order by n_ignored desc, alert_type asc;

-- warnings: Did a collision warning or emergency braking come with a take-over?
select drive, time_s, kind, cause, has_fcw, has_aeb, speed_mps, min_ttc_s
from events
where has_fcw or has_aeb
order by drive, time_s
limit 5;

-- followed-too-closely: How close was the car ahead when I took over by braking?
select count(*) as n, min(thw_s) as least_thw_s, median(thw_s) as median_thw_s
from events
where kind = 'disengagement' and cause = 'driver_brake' and lead_distance_m is not null;

-- overrides: How often do I steer or accelerate against it, and for how long?
select axis, mode, count(*) as n, median(duration_s) as median_s, sum(duration_s) as total_s
from overrides
where is_intervention
group by axis, mode
order by axis, mode;

-- not-counted: What did the driver do that is no intervention?
select
    kind,
    exempt_by,
    count(*) as n
from events
where exempt_by is not null
group by kind, exempt_by
order by count(*) desc, kind asc, exempt_by asc;

-- day-and-night: Is it worse at night?
select group_name as night, n_events, exposure_h, per_hour, per_hour_lower, per_hour_upper
from rates
where grouped_by = 'night' and mode = 'engaged' and event = 'intervention'
order by night;

-- by-model: Which driving model needs me less often?
select group_name as model, n_drives, n_events, per_100km, per_100km_lower, per_100km_upper
from rates
where grouped_by = 'model' and mode = 'engaged' and event = 'unplanned_intervention'
order by model;

-- steering-alone: How much is steering alone (MADS, always-on lateral), and who has it?
select drive, lateral_only_s, lateral_only_km, n_lateral_only_interventions
from drives
where lateral_only_s > 0
order by lateral_only_s desc
limit 5;

-- between-failures: How long between failures of the system, of each car?
select group_name as car, n_failures, engaged_h, mtbf_h, mtbf_lower_h
from mtbf
where grouped_by = 'car' and event = 'any'
order by engaged_h desc;

-- steering-quality: How well does it hold the curvature that it wants, by speed?
select drive, speed_band, columns('.*(error|oscillation|saturated).*')
from tuning
order by drive, speed_band
limit 5;

-- learned: What did the car learn of itself?
select drive, last_steer_ratio, last_angle_offset_average_deg, last_friction_coefficient
from learned_parameters
order by drive;

-- settings: Which drives had experimental mode on?
select drive, name, value
from params
where name = 'ExperimentalMode'
order by drive;

-- software: What ran on the device, drive by drive?
select drive, version, git_branch, left(git_commit, 8) as git_commit, fork, device_type
from drives
order by drive;

-- trust: Which drives should I not trust, and why?
select
    drives.drive,
    drives.coverage,
    drives.motion_coverage,
    data_quality.n_gaps,
    data_quality.n_clock_jumps,
    data_quality.n_impossible_fixes
from drives
inner join data_quality on drives.drive_id = data_quality.drive_id
where drives.coverage < 0.99 or data_quality.n_gaps > 0 or data_quality.n_clock_jumps > 0
order by drives.coverage
limit 5;

-- broken-logs: Which logs are damaged?
select path, status, damage
from segments
where status <> 'ok'
order by path;

-- distance-check: Does the distance agree with the car's odometer?
select drive, odometer_km, odometer_difference_km, odometer_difference_fraction
from data_quality
where odometer_km is not null
order by abs(odometer_difference_fraction) desc
limit 5;
