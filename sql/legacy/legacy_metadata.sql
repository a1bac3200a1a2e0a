-- What a drive's first initData and carParams say of the software and the car.
--
-- grain:   one row per drive_id with a log
-- null:    whatever is empty, or the device type `unknown`, in the first initData; the fingerprint
--          is of the first carParams that has one
create or replace view staging.legacy_metadata as
with

logs as (
    select * from log.segment
),

init as (
    select * from log.init_data
),

params as (
    select * from log.car_params
),

readable as (
    select distinct drive_id
    from logs
    where status <> 'failed'
),

first_init as (
    select
        drive_id,
        nullif(version, '') as version,
        nullif(git_branch, '') as git_branch,
        nullif(git_commit, '') as git_commit,
        nullif(nullif(device_type, ''), 'unknown') as device_type
    from init
    qualify row_number() over (partition by drive_id order by segment_num, message_num) = 1
),

first_params as (
    select
        drive_id,
        arg_min(openpilot_longitudinal, message_position(segment_num, message_num))
            as openpilot_longitudinal,
        arg_min(nullif(car_fingerprint, ''), message_position(segment_num, message_num))
            as car_fingerprint
    from params
    group by drive_id
),

final as (
    select
        readable.drive_id,
        first_params.openpilot_longitudinal,
        first_params.car_fingerprint,
        first_init.version,
        first_init.git_branch,
        first_init.git_commit,
        first_init.device_type
    from readable
    left join first_init on readable.drive_id = first_init.drive_id
    left join first_params on readable.drive_id = first_params.drive_id
)

select * from final;
