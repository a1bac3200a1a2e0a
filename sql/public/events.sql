-- Ends of engagements and overrides, with how dangerous each was.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- null:    whatever the log can't say; a measure that had no cause: no lead, not closing, no input;
--          the label of an event that nobody labelled
create or replace view events as
with

final as (
    select
        concat_ws(
            '|', drive.dongle_id, drive.drive, events.kind, events.mono_ns::varchar
        ) as event_id,
        events.drive_id,
        drive.dongle_id,
        drive.drive,
        events.kind,
        events.engagement_num,
        events.mode,
        events.mono_ns,
        (events.mono_ns - facts.first_mono_ns) / 1e9 as time_s,
        wall_time(identity.started_at_utc, facts.first_mono_ns, events.mono_ns) as at_utc,
        wall_time(identity.started_at_local, facts.first_mono_ns, events.mono_ns) as at_local,
        events.segment_num,
        (events.mono_ns - segment.start_mono_ns) / 1e9 as segment_time_s,
        events.duration_s,
        events.cause,
        events.cause_event,
        events.is_counted,
        events.is_inferred,
        events.is_intervention,
        events.exempt_by,
        events.is_critical,
        events.is_planned,
        events.severity,
        events.speed_mps,
        events.lead_distance_m,
        events.closing_speed_mps,
        events.ttc_s,
        events.thw_s,
        events.drac_mps2,
        events.min_ttc_s,
        events.min_thw_s,
        events.max_drac_mps2,
        events.has_fcw,
        events.has_aeb,
        events.peak_deceleration_mps2,
        events.peak_jerk_mps3,
        events.peak_steering_rate_deg_per_s,
        events.peak_lateral_acceleration_mps2,
        events.time_to_input_s,
        events.time_to_reengage_s,
        events.latitude,
        events.longitude,
        place_called(events.latitude, events.longitude) as place_name,
        events.model,
        identity.car_fingerprint,
        identity.git_branch,
        identity.version,
        segment.log_kind,
        segment.path,
        event_labels.label,
        event_labels.note
    from result.events as events
    inner join result.drive_facts as facts on events.drive_id = facts.drive_id
    inner join log.drive on events.drive_id = drive.drive_id
    left join result.drive_identity as identity on events.drive_id = identity.drive_id
    left join log.segment
        on events.drive_id = segment.drive_id and events.segment_num = segment.segment_num
    left join event_labels
        on
            events.drive_id = event_labels.drive_id
            and events.kind = event_labels.event_kind
            and events.mono_ns = event_labels.mono_ns
)

select * from final;
comment on column events.event_id is 'the event''s name, the same in every database: device, drive, kind and time, joined by |';
comment on column events.drive_id is 'number of the drive in this database';
comment on column events.dongle_id is 'the device';
comment on column events.drive is 'name of the drive, its log id';
comment on column events.kind is 'disengagement, lateral_override or longitudinal_override; moment:NAME of a saved moment';
comment on column events.engagement_num is 'the engagement that ended, or that the override is in; null of a saved moment';
comment on column events.mode is 'engaged or lateral_only, in which it happened; of a saved moment any mode';
comment on column events.mono_ns is 'logMonoTime of the end of the engagement, or the start of the override or moment';
comment on column events.time_s is 'seconds from the first sample of the drive';
comment on column events.at_utc is 'when it was; null without a clock that was set';
comment on column events.at_local is 'when it was in the time zone of the drive''s start; null where local time is not known';
comment on column events.segment_num is 'segment that it is in';
comment on column events.segment_time_s is 'seconds from the first message of that segment';
comment on column events.duration_s is 'length of an override or a saved moment; null for a disengagement';
comment on column events.cause is 'cause of a disengagement, as in disengagements; null for an override';
comment on column events.cause_event is 'the event that says so; null where none did';
comment on column events.is_counted is 'a disengagement with {counted_min_on_s} s engaged before and {counted_min_off_s} s off after; null for an override';
comment on column events.is_inferred is 'only pedals, buttons and gear could tell the cause; null for an override';
comment on column events.is_intervention is 'part of an intervention: the driver takes over';
comment on column events.exempt_by is 'why an input is no intervention: carried_in, nudge, nag_answer, resume, or pause (a pedal while only steering is on)';
comment on column events.is_critical is 'severity beyond 1, has_fcw or has_aeb; null for an end of drive and a saved moment';
comment on column events.is_planned is 'blinker, lane change, near standstill, speeding up by gas, last before park; not if critical, turned away from them, gas after braking';
comment on column events.severity is 'the worst ratio of a measure to the threshold that makes it critical: beyond 1 is critical; null without any measure, and of a saved moment';
comment on column events.speed_mps is 'speed at the event';
comment on column events.lead_distance_m is 'distance of the car ahead at the event; null without one';
comment on column events.closing_speed_mps is 'how fast it comes nearer at the event; negative when it goes away';
comment on column events.ttc_s is 'time to collision at the event: distance / closing speed; null unless closing by more than {ttc_min_closing_mps} m/s';
comment on column events.thw_s is 'time headway at the event: distance / speed; null at {thw_min_speed_mps} m/s and below';
comment on column events.drac_mps2 is 'deceleration needed to avoid a crash: closing speed squared / (2 distance); null unless closing and beyond {drac_min_distance_m} m';
comment on column events.min_ttc_s is 'least time to collision in the {severity_before_s} s before';
comment on column events.min_thw_s is 'least time headway in the {severity_before_s} s before';
comment on column events.max_drac_mps2 is 'greatest deceleration needed in the {severity_before_s} s before';
comment on column events.has_fcw is 'a forward collision warning from {severity_before_s} s before to {severity_after_s} s after; null where nothing would tell';
comment on column events.has_aeb is 'automatic emergency braking from {severity_before_s} s before to {severity_after_s} s after; null where nothing would tell';
comment on column events.peak_deceleration_mps2 is 'hardest braking in the {severity_after_s} s after, 0 if there was none';
comment on column events.peak_jerk_mps3 is 'greatest change of acceleration per second in the {severity_after_s} s after, smoothed over {jerk_window_s} s';
comment on column events.peak_steering_rate_deg_per_s is 'fastest turn of the steering wheel in the {severity_after_s} s after, smoothed over {jerk_window_s} s';
comment on column events.peak_lateral_acceleration_mps2 is 'greatest curvature x speed squared in the {severity_after_s} s after; null where openpilot logged no curvature';
comment on column events.time_to_input_s is 'from a disengagement to the driver''s first input, 0 where one was going on; null if none within {severity_after_s} s';
comment on column events.time_to_reengage_s is 'from a disengagement to the next engagement; null if none followed in known time';
comment on column events.latitude is 'degrees; null without a recent fix';
comment on column events.longitude is 'degrees; null without a recent fix';
comment on column events.place_name is 'what `engagement name --place` calls the place; null where nothing does';
comment on column events.model is 'the driving model, as in drive_parts; null where nothing tells it';
comment on column events.car_fingerprint is 'the car, as openpilot names it; null without carParams';
comment on column events.git_branch is 'branch of the software; null where the logs don''t say';
comment on column events.version is 'openpilot''s version; null where the logs don''t say';
comment on column events.log_kind is 'rlog, or qlog, which is coarser';
comment on column events.path is 'the log file that it is in';
comment on column events.label is 'what somebody said that it was: true, false, critical, planned, or any other word; null if nobody did';
comment on column events.note is 'what else was said of it';
