-- Stretches of a drive between interventions, and how far each went engaged.
--
-- grain:   one row per (drive_id, stretch_num)
-- reads:   result.clean_stretches, log.drive
-- null:    never
create or replace view clean_stretches as
with

final as (
    select
        stretches.drive_id,
        drive.dongle_id,
        drive.drive,
        stretches.stretch_num,
        stretches.start_mono_ns,
        stretches.end_mono_ns,
        (stretches.end_mono_ns - stretches.start_mono_ns) / 1e9 as duration_s,
        stretches.engaged_km
    from result.clean_stretches as stretches
    inner join log.drive on stretches.drive_id = drive.drive_id
)

select * from final;
comment on column clean_stretches.drive_id is 'number of the drive in this database';
comment on column clean_stretches.dongle_id is 'the device';
comment on column clean_stretches.drive is 'name of the drive, its log id';
comment on column clean_stretches.stretch_num is 'number of the stretch in its drive, from 1';
comment on column clean_stretches.start_mono_ns is 'logMonoTime of the drive''s first sample, or of the intervention that the stretch follows';
comment on column clean_stretches.end_mono_ns is 'logMonoTime of the next intervention, or of the drive''s last sample';
comment on column clean_stretches.duration_s is 'from start to end, engaged or not';
comment on column clean_stretches.engaged_km is 'distance engaged in it; 0 if it was never engaged';
