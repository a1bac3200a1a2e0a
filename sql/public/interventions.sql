-- Moments in which the driver takes over while openpilot assists, inputs that belong together as one.
--
-- grain:   one row per (drive_id, intervention_num)
-- null:    is_planned and is_critical where nothing tells; cause where the engagement goes on; speed
--          and place where none was sampled shortly before
create or replace view interventions as
with

final as (
    select
        interventions.drive_id,
        drive.dongle_id,
        drive.drive,
        interventions.intervention_num,
        interventions.engagement_num,
        interventions.mode,
        interventions.mono_ns,
        (interventions.mono_ns - facts.first_mono_ns) / 1e9 as time_s,
        interventions.end_mono_ns,
        events.segment_num,
        interventions.inputs,
        interventions.ends_engagement,
        interventions.cause,
        interventions.is_planned,
        interventions.is_critical,
        interventions.event_kind,
        interventions.event_mono_ns,
        events.speed_mps,
        events.latitude,
        events.longitude,
        segment.log_kind
    from result.interventions as interventions
    inner join result.drive_facts as facts on interventions.drive_id = facts.drive_id
    inner join log.drive on interventions.drive_id = drive.drive_id
    inner join result.events as events
        on
            interventions.drive_id = events.drive_id
            and interventions.event_kind = events.kind
            and interventions.event_mono_ns = events.mono_ns
    left join log.segment
        on events.drive_id = segment.drive_id and events.segment_num = segment.segment_num
)

select * from final;
comment on column interventions.drive_id is 'number of the drive in this database';
comment on column interventions.dongle_id is 'the device';
comment on column interventions.drive is 'name of the drive, its log id';
comment on column interventions.intervention_num is 'number of the intervention in its drive, from 1';
comment on column interventions.engagement_num is 'the engagement in which it begins';
comment on column interventions.mode is 'engaged or lateral_only, when it begins';
comment on column interventions.mono_ns is 'logMonoTime of the first input';
comment on column interventions.time_s is 'seconds from the first sample of the drive';
comment on column interventions.end_mono_ns is 'logMonoTime at which the last input ends, or the engagement by it';
comment on column interventions.segment_num is 'segment that it begins in';
comment on column interventions.inputs is 'what the driver used, sorted: brake, cancel, gas, main, park, steer';
comment on column interventions.ends_engagement is 'whether one of the inputs ended an engagement';
comment on column interventions.cause is 'cause of that end, as in disengagements; null where the engagement goes on';
comment on column interventions.is_planned is 'each of its inputs was planned; null where nothing tells';
comment on column interventions.is_critical is 'one of its inputs was critical; null where nothing tells';
comment on column interventions.event_kind is 'kind of its first input in events';
comment on column interventions.event_mono_ns is 'mono_ns of its first input in events';
comment on column interventions.speed_mps is 'speed at its first event; null where not sampled';
comment on column interventions.latitude is 'degrees; null without a recent fix';
comment on column interventions.longitude is 'degrees; null without a recent fix';
comment on column interventions.log_kind is 'rlog or qlog';
