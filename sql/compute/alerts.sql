-- Alerts that asked something of the driver.
--
-- grain:   one row per (drive_id, start_mono_ns)
-- null:    texts that the alert does not have; what did not follow in time; its place without a recent
--          fix
-- why:     base rows are changes, so an alert holds until the next row unless a segment is missing
create or replace view compute.alerts as
with

samples as (
    select
        alert.drive_id,
        alert.segment_num,
        alert.message_num,
        alert.mono_ns,
        alert.text1,
        alert.text2,
        alert.alert_type,
        alert.alert_status,
        alert.alert_size
    from log.alert
    inner join result.drive_facts as facts on alert.drive_id = facts.drive_id
    where facts.has_selfdrive_state = (alert.source = 'selfdriveState')
),

steps as (
    select
        *,
        lead(mono_ns) over by_time as next_mono_ns,
        lead(segment_num) over by_time as next_segment_num,
        lag(segment_num) over by_time as previous_segment_num,
        (
            (alert_type is distinct from lag(alert_type) over by_time)
            or (text1 is distinct from lag(text1) over by_time)
            or (text2 is distinct from lag(text2) over by_time)
            or (alert_status is distinct from lag(alert_status) over by_time)
            or (alert_size is distinct from lag(alert_size) over by_time)
        ) as is_other
    from samples
    window by_time as (partition by drive_id order by mono_ns, segment_num, message_num)
),

numbered as (
    select
        *,
        sum((is_other or segment_num - previous_segment_num > 1)::int) over (
            partition by drive_id order by mono_ns, segment_num, message_num
            rows between unbounded preceding and current row
        ) as run_num,
        case
            when next_segment_num - segment_num <= 1 then next_mono_ns else mono_ns
        end as until_mono_ns
    from steps
),

runs as (
    select
        drive_id,
        min(mono_ns) as start_mono_ns,
        max(until_mono_ns) as end_mono_ns,
        any_value(alert_type) as alert_type,
        any_value(text1) as text1,
        any_value(text2) as text2,
        any_value(alert_status) as alert_status,
        any_value(alert_size) as alert_size
    from numbered
    where alert_status in ('userPrompt', 'critical')
    group by drive_id, run_num
),

answers as (
    select
        runs.drive_id,
        runs.start_mono_ns,
        inputs.input,
        greatest(inputs.start_mono_ns, runs.start_mono_ns) - runs.start_mono_ns as reaction_ns
    from runs
    inner join result.driver_inputs as inputs
        on
            runs.drive_id = inputs.drive_id
            and runs.start_mono_ns <= inputs.end_mono_ns
            and runs.start_mono_ns + (select reaction_max_ns from result.thresholds)
            >= inputs.start_mono_ns
    where
        inputs.end_mono_ns > runs.start_mono_ns or inputs.start_mono_ns = runs.start_mono_ns
),

first_answers as (
    select drive_id, start_mono_ns, input, reaction_ns
    from answers
    qualify
        row_number() over (partition by drive_id, start_mono_ns order by reaction_ns, input) = 1
),

ends as (
    select runs.drive_id, runs.start_mono_ns, min(engagements.end_mono_ns) as end_mono_ns
    from runs
    inner join result.engagements as engagements
        on
            runs.drive_id = engagements.drive_id
            and runs.start_mono_ns <= engagements.end_mono_ns
            and runs.start_mono_ns + (select reaction_max_ns from result.thresholds)
            >= engagements.end_mono_ns
    where engagements.end_kind = 'disengagement' and engagements.mode = 'engaged'
    group by runs.drive_id, runs.start_mono_ns
),

places as (
    select runs.drive_id, runs.start_mono_ns, fixes.latitude, fixes.longitude
    from runs
    asof inner join staging.fixes as fixes
        on runs.drive_id = fixes.drive_id and runs.start_mono_ns >= fixes.mono_ns
    where
        runs.start_mono_ns - fixes.mono_ns
        <= (select position_max_age_ns from result.thresholds)
),

final as (
    select
        runs.drive_id,
        runs.start_mono_ns,
        runs.end_mono_ns,
        (runs.end_mono_ns - runs.start_mono_ns) / 1e9 as duration_s,
        (engaged.drive_id is not null) as is_engaged,
        runs.alert_type,
        runs.text1,
        runs.text2,
        runs.alert_status,
        runs.alert_size,
        answers.input as first_input,
        answers.reaction_ns / 1e9 as reaction_s,
        (ends.end_mono_ns - runs.start_mono_ns) / 1e9 as time_to_disengagement_s,
        places.latitude,
        places.longitude
    from runs
    left join places
        on runs.drive_id = places.drive_id and runs.start_mono_ns = places.start_mono_ns
    left join first_answers as answers
        on runs.drive_id = answers.drive_id and runs.start_mono_ns = answers.start_mono_ns
    left join ends
        on runs.drive_id = ends.drive_id and runs.start_mono_ns = ends.start_mono_ns
    left join result.assisted_runs as engaged
        on
            runs.drive_id = engaged.drive_id
            and engaged.mode = 'engaged'
            and runs.start_mono_ns >= engaged.start_mono_ns
            and runs.start_mono_ns < engaged.end_mono_ns
)

select * from final;
comment on column alerts.drive_id is 'number of the drive in this database';
comment on column alerts.dongle_id is 'the device';
comment on column alerts.drive is 'name of the drive, its log id';
comment on column alerts.start_mono_ns is 'logMonoTime of the start';
comment on column alerts.end_mono_ns is 'logMonoTime of the end, which is not part of it';
comment on column alerts.time_s is 'seconds from the first sample of the drive';
comment on column alerts.duration_s is 'end - start';
comment on column alerts.is_engaged is 'openpilot was engaged when it came up';
comment on column alerts.alert_type is 'event and kind of alert, as openpilot names it; null in logs before 0.5.5';
comment on column alerts.text1 is 'first line';
comment on column alerts.text2 is 'second line; null without one';
comment on column alerts.alert_status is 'userPrompt or critical';
comment on column alerts.alert_size is 'none, small, mid or full';
comment on column alerts.first_input is 'what the driver did first: steering, gas, brake or button; null if nothing within {reaction_max_s} s';
comment on column alerts.reaction_s is 'time from the start to that input, 0 where it was going on already';
comment on column alerts.time_to_disengagement_s is 'time from the start to the end of an engagement; null if none ended within {reaction_max_s} s';
comment on column alerts.latitude is 'degrees; null without a recent fix';
comment on column alerts.longitude is 'degrees; null without a recent fix';
