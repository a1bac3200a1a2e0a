-- What openpilot's params were at the start of a drive.
--
-- grain:   one row per (drive_id, name)
-- reads:   log.param
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
