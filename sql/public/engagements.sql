-- Engagements: maximal runs of being engaged, short off-runs apart.
--
-- grain:   one row per (drive_id, engagement_num)
-- reads:   result.engagements
-- null:    never
create or replace view engagements as
with

final as (
    select
        drive_id,
        engagement_num,
        start_mono_ns,
        end_mono_ns,
        duration_s,
        distance_km,
        start_kind,
        end_kind
    from result.engagements
)

select * from final;
comment on column engagements.drive_id is 'number of the drive in this database';
comment on column engagements.engagement_num is 'number of the engagement in its drive, from 1';
comment on column engagements.start_mono_ns is 'logMonoTime of the start';
comment on column engagements.end_mono_ns is 'logMonoTime of the end, which is not part of it';
comment on column engagements.duration_s is 'end - start';
comment on column engagements.distance_km is 'distance driven in it';
comment on column engagements.start_kind is 'engaged, or unknown where the log or a gap hides the start';
comment on column engagements.end_kind is 'disengagement, end_of_drive (ignition off or park), end_of_log, or gap; the last two are censored';
