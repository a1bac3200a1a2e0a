-- Engagements: maximal runs of being engaged, or of steering alone, short off-runs and pauses apart.
--
-- grain:   one row per (drive_id, engagement_num)
-- reads:   result.engagements
-- null:    to_mode where the log or a gap hides what follows; end_uncertainty_s likewise
create or replace view engagements as
with

final as (
    select
        drive_id,
        engagement_num,
        mode,
        start_mono_ns,
        end_mono_ns,
        duration_s,
        distance_km,
        start_kind,
        end_kind,
        to_mode,
        end_uncertainty_s,
        assisted_num
    from result.engagements
)

select * from final;
comment on column engagements.drive_id is 'number of the drive in this database';
comment on column engagements.engagement_num is 'number of the engagement in its drive, from 1';
comment on column engagements.mode is 'engaged, or lateral_only: steering without being enabled (MADS, always-on lateral)';
comment on column engagements.start_mono_ns is 'logMonoTime of the start';
comment on column engagements.end_mono_ns is 'logMonoTime of the end, which is not part of it';
comment on column engagements.duration_s is 'end - start';
comment on column engagements.distance_km is 'distance driven in it';
comment on column engagements.start_kind is 'engaged, or unknown where the log or a gap hides the start';
comment on column engagements.end_kind is 'disengagement, upgrade (steering alone turns into engaged), end_of_drive, end_of_log, or gap; the last two are censored';
comment on column engagements.to_mode is 'mode that follows; null where the log or a gap hides it';
comment on column engagements.end_uncertainty_s is 'time in which the end must lie: between two samples, 0 where an event of a qlog tells';
comment on column engagements.assisted_num is 'number of the stretch of assistance in its drive: engagements of either mode that follow each other with hardly any off between';
