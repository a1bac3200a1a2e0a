-- Causes of a disengagement: the order in which they are listed, who it was, and what is said of it.
--
-- grain:   one row per cause
-- null:    input where the driver has no hand or foot in it
-- why:     the one list of causes, for views, filters, pages and the glossary; input is what an
--          intervention by it counts as
create or replace view staging.causes as
with

final as (
    select causes.*
    from (
        values
        (1, 'driver_brake', 'driver', 'brake', 'the driver braked'),
        (2, 'driver_gas', 'driver', 'gas', 'the driver accelerated'),
        (3, 'driver_steer', 'driver', 'steer', 'the driver steered'),
        (4, 'driver_cancel', 'driver', 'cancel', 'the driver cancelled'),
        (5, 'driver_main', 'driver', 'main', 'the driver switched it off'),
        (6, 'driver_park', 'driver', 'park', 'parking brake, brake hold, park or reverse'),
        (7, 'driver_soft', 'driver', null, 'door, seatbelt or gear'),
        (8, 'driver_inattention', 'driver', null, 'the driver did not watch the road'),
        (9, 'driver_other', 'driver', null, 'the driver, in another way'),
        (10, 'system_immediate', 'system', null, 'openpilot disengaged at once'),
        (11, 'system_soft', 'system', null, 'openpilot gave warning, then disengaged'),
        (12, 'car_limit', 'car', null, 'the car can''t at this speed'),
        (13, 'car_cruise', 'car', null, 'the car''s cruise control ended'),
        (14, 'end_of_drive', 'end', null, 'the drive ended'),
        (15, 'unknown', 'unknown', null, 'nothing in the log explains it')
    ) as causes (cause_order, cause, who, input, words)
)

select * from final;
