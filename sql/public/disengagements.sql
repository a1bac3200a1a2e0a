-- Ends of engagements at a known moment, each with its cause.
--
-- grain:   one row per (drive_id, engagement_num)
-- null:    cause_event without an event; to_mode where what follows is not known; speed and place
--          where none was sampled shortly before
create or replace view disengagements as
with

final as (
    select
        causes.drive_id,
        drive.dongle_id,
        drive.drive,
        causes.engagement_num,
        causes.mono_ns,
        (causes.mono_ns - facts.first_mono_ns) / 1e9 as time_s,
        moments.segment_num,
        causes.mode,
        causes.to_mode,
        causes.end_uncertainty_s,
        causes.cause,
        causes.cause_event,
        causes.is_counted,
        causes.is_inferred,
        causes.is_pause,
        (inputs.drive_id is not null) as is_intervention,
        moments.speed_mps,
        moments.latitude,
        moments.longitude,
        segment.log_kind
    from result.end_causes as causes
    inner join result.drive_facts as facts on causes.drive_id = facts.drive_id
    inner join log.drive on causes.drive_id = drive.drive_id
    inner join result.event_moments as moments
        on
            causes.drive_id = moments.drive_id
            and causes.mono_ns = moments.mono_ns
            and moments.kind = 'disengagement'
    left join result.intervention_inputs as inputs
        on
            causes.drive_id = inputs.drive_id
            and causes.mono_ns = inputs.event_mono_ns
            and inputs.kind = 'disengagement'
    left join log.segment
        on moments.drive_id = segment.drive_id and moments.segment_num = segment.segment_num
)

select * from final;
comment on column disengagements.drive_id is 'number of the drive in this database';
comment on column disengagements.dongle_id is 'the device';
comment on column disengagements.drive is 'name of the drive, its log id';
comment on column disengagements.engagement_num is 'the engagement that ended';
comment on column disengagements.mono_ns is 'logMonoTime of the end';
comment on column disengagements.time_s is 'seconds from the first sample of the drive';
comment on column disengagements.segment_num is 'segment that the end is in';
comment on column disengagements.mode is 'engaged or lateral_only, which ended';
comment on column disengagements.to_mode is 'mode that follows; null where it is not known';
comment on column disengagements.end_uncertainty_s is 'time in which the end must lie: between two samples, 0 where an event of a qlog tells';
comment on column disengagements.cause is 'driver_... (brake, gas, steer, cancel, main, park ...), system_immediate, system_soft, car_limit, car_cruise, end_of_drive or unknown';
comment on column disengagements.cause_event is 'the event that says so; null where none did';
comment on column disengagements.is_counted is 'at least {counted_min_on_s} s on before and {counted_min_off_s} s off after, and not the end of the drive';
comment on column disengagements.is_inferred is 'only pedals, buttons and gear could tell';
comment on column disengagements.is_pause is 'a pedal while only the steering is on: no intervention';
comment on column disengagements.is_intervention is 'the driver takes over: by pedal, wheel, button or main switch';
comment on column disengagements.speed_mps is 'speed at the end; null where not sampled';
comment on column disengagements.latitude is 'degrees; null without a recent fix';
comment on column disengagements.longitude is 'degrees; null without a recent fix';
comment on column disengagements.log_kind is 'rlog, or qlog, which is coarser';
