-- Events whose cause is another than their flag says.
--
-- grain:   one row per name
-- null:    never
-- why:     pedal and cruise are no causes yet: pedals and the car tell which. Of one list with one
--          flag the least event_order comes first, others stand at 8; the car's cruise, which ends as
--          a consequence, comes after every other event of the list
create or replace view staging.cause_events as
with

final as (
    select events.*
    from (
        values
        ('pedalPressed', 'pedal', 2),
        ('pcmDisable', 'cruise', 109),
        ('cruiseDisabled', 'cruise', 109),
        ('steerDisengage', 'driver_steer', 1),
        ('steeringDisengage', 'driver_steer', 1),
        ('buttonCancel', 'driver_cancel', 3),
        ('wrongCarMode', 'driver_main', 4),
        ('parkBrake', 'driver_park', 5),
        ('brakeHold', 'driver_park', 5),
        ('reverseGear', 'driver_park', 5),
        ('doorOpen', 'driver_soft', 6),
        ('seatbeltNotLatched', 'driver_soft', 6),
        ('wrongGear', 'driver_soft', 6),
        ('driverDistracted', 'driver_inattention', 7),
        ('driverDistracted3', 'driver_inattention', 7),
        ('driverUnresponsive', 'driver_inattention', 7),
        ('driverUnresponsive3', 'driver_inattention', 7),
        ('tooDistracted', 'driver_inattention', 7),
        ('speedTooLow', 'car_limit', 7),
        ('belowEngageSpeed', 'car_limit', 7),
        ('belowSteerSpeed', 'car_limit', 7),
        ('lowSpeedLockout', 'car_limit', 7)
    ) as events (name, cause, event_order)
)

select * from final;
