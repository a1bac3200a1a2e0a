-- What openpilot's params were at the start of a drive, from initData.
--
-- grain:   one row per (drive_id, name)
-- null:    never: a param without a value is empty
-- why:     every segment repeats them all; of a changed one the first value is the drive's
create or replace view compute.params as
with

final as (
    select
        drive_id,
        name,
        first(value order by segment_num, message_num, value) as value
    from log.param
    group by drive_id, name
)

select * from final;
comment on column params.drive_id is 'number of the drive in this database';
comment on column params.dongle_id is 'the device';
comment on column params.drive is 'name of the drive, its log id';
comment on column params.name is 'the param''s name, as openpilot has it';
comment on column params.value is 'its value in the first segment that has it, as text; bytes that are no text are written as escapes';
