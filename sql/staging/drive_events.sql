-- Events of the one list that a drive is read by.
--
-- grain:   one row per event of a message; a null name says that there was none
-- null:    name where the list was empty
-- why:     newer logs have the full list; carState's own list, in older ones, is a part of it, kept
--          where it changes
create or replace view staging.drive_events as
with

final as (
    select
        car_event.drive_id,
        (car_event.source = 'carState') as is_on_change,
        car_event.segment_num,
        car_event.message_num,
        car_event.mono_ns,
        car_event.name,
        coalesce(car_event.user_disable, false) as user_disable,
        coalesce(car_event.soft_disable, false) as soft_disable,
        coalesce(car_event.immediate_disable, false) as immediate_disable,
        coalesce(car_event.override_longitudinal, false) as override_longitudinal,
        coalesce(car_event.override_lateral, false) as override_lateral,
        coalesce(car_event.enable, false) as enable
    from log.car_event as car_event
    inner join result.drive_facts as facts
        on car_event.drive_id = facts.drive_id and car_event.source = facts.event_source
)

select * from final;
