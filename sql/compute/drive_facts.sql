-- What a whole drive says about how its samples are to be read.
--
-- grain:   one row per drive_id
-- null:    openpilot_longitudinal without carParams; the span without samples; the sources where
--          the drive has none
-- why:     old slots read zero in new logs, so one service serves the whole drive, never a mix
create or replace view compute.drive_facts as
with

facts as (
    select
        drive_id,
        null::bigint as control_ns,
        null::bigint as selfdrive_ns,
        null::bigint as car_ns,
        null::boolean as has_control,
        null::boolean as is_old_sunnypilot,
        null::boolean as openpilot_longitudinal,
        null::bigint as car_params_ns,
        null::varchar as event_source,
        null::varchar as gps_source,
        (log_kind = 'qlog') as is_qlog
    from log.segment
    where status <> 'failed'
    union all
    select
        drive_id, mono_ns, null, null, null, null, null, null, null, null, null
    from log.controls_state
    union all
    select
        drive_id, null, mono_ns, null, null, null, null, null, null, null, null
    from log.selfdrive_state
    union all
    select
        drive_id, null, null, mono_ns, null, n_pointers = 7, null, null, null, null, null
    from log.car_state
    union all
    select
        drive_id, null, null, null, true, null, null, null, null, null, null
    from log.car_control
    union all
    select
        drive_id, null, null, null, null, null, openpilot_longitudinal, mono_ns, null, null, null
    from log.car_params
    where openpilot_longitudinal is not null
    union all
    select
        drive_id, null, null, null, null, null, null, null, source, null, null
    from log.car_event
    union all
    select
        drive_id, null, null, null, null, null, null, null, null, source, null
    from log.gps
    where has_fix
),

final as (
    select
        drive_id,
        bool_or(selfdrive_ns is not null) as has_selfdrive_state,
        coalesce(bool_or(has_control), false) as has_car_control,
        coalesce(bool_or(is_old_sunnypilot), false) and not bool_or(selfdrive_ns is not null)
            as is_old_sunnypilot,
        coalesce(bool_and(is_qlog), false) as is_qlog,
        arg_min(openpilot_longitudinal, car_params_ns) as openpilot_longitudinal,
        case
            when bool_or(event_source = 'onroadEvents') then 'onroadEvents'
            when bool_or(event_source = 'carEvents') then 'carEvents'
            when bool_or(event_source = 'carState') then 'carState'
        end as event_source,
        case
            when bool_or(gps_source = 'gpsLocationExternal') then 'gpsLocationExternal'
            when bool_or(gps_source = 'gpsLocation') then 'gpsLocation'
        end as gps_source,
        least(coalesce(min(selfdrive_ns), min(control_ns)), min(car_ns)) as first_mono_ns,
        greatest(coalesce(max(selfdrive_ns), max(control_ns)), max(car_ns)) as last_mono_ns
    from facts
    group by drive_id
)

select * from final;
