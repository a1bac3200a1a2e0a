-- What openpilot's params were at the start of a drive, from initData.
--
-- grain:   one row per (drive_id, name)
-- reads:   result.params, log.drive
-- null:    never: a param without a value is empty
create or replace view params as
with

final as (
    select
        params.drive_id,
        drive.dongle_id,
        drive.drive,
        params.name,
        params.value
    from result.params as params
    inner join log.drive on params.drive_id = drive.drive_id
)

select * from final;
comment on column params.drive_id is 'number of the drive in this database';
comment on column params.dongle_id is 'the device';
comment on column params.drive is 'name of the drive, its log id';
comment on column params.name is 'the param''s name, as openpilot has it';
comment on column params.value is 'its value in the first segment that has it, as text; bytes that are no text are written as escapes';
