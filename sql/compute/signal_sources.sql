-- Where a drive's samples of what the car tells are from: CAN first, else carState, else nowhere.
--
-- grain:   one row per (drive_id, quantity)
-- null:    rate_hz of logs without a length
-- why:     a torque that is 0 throughout was not logged; of the wheels, the one that was received
--          most stands for all; a segment lasts until the next begins, if that is within a second. What this project computes
--          reads carState throughout, but for the odometer and the old system's numbers, which are
--          CAN signals' or null
create or replace view compute.signal_sources as
with

facts as (
    select drive_id from result.drive_facts
),

received as (
    select
        drive_id,
        case
            when signal_key = 'cruise_state' then 'cruise_buttons'
            when signal_key like 'steering_driver_torque%' then 'steering_driver_torque'
            when signal_key like 'steering_motor_torque%' then 'steering_motor_torque'
            when signal_key like 'wheel_speed%' then 'wheel_speeds'
            else signal_key
        end as quantity,
        segment_num,
        signal_key,
        bus,
        message || '.' || signal || '@' || bus as place,
        n_samples
    from log.can_source
),

places as (
    select
        drive_id,
        quantity,
        'can:' || string_agg(distinct place, ' + ' order by place) as source
    from received
    group by drive_id, quantity
),

-- Each signal of a bit mask says how often the whole was received.
log_counts as (
    select drive_id, quantity, segment_num, signal_key, bus, max(n_samples) as n_samples
    from received
    group by drive_id, quantity, segment_num, signal_key, bus
),

key_counts as (
    select drive_id, quantity, signal_key, sum(n_samples) as n_samples
    from log_counts
    group by drive_id, quantity, signal_key
),

most as (
    select drive_id, quantity, max(n_samples) as n_samples
    from key_counts
    group by drive_id, quantity
),

states as (
    select
        drive_id,
        count(v_ego_mps) as n_speeds,
        count(steering_torque) filter (where steering_torque <> 0) as n_driver_turns,
        count(steering_torque) as n_driver_torques,
        count(steering_torque_eps) filter (where steering_torque_eps <> 0) as n_motor_turns,
        count(steering_torque_eps) as n_motor_torques,
        count(gas_pressed) as n_gas,
        count(brake_pressed) as n_brake,
        count(left_blinker) as n_left,
        count(right_blinker) as n_right,
        count(*) as n_states
    from log.car_state
    group by drive_id
),

presses as (
    select drive_id, count(*) as n_presses
    from log.button_event
    group by drive_id
),

told as (
    select drive_id, 'speed' as quantity, n_speeds as n_samples from states
    union all
    select drive_id, 'steering_driver_torque' as quantity, n_driver_torques as n_samples
    from states
    where n_driver_turns > 0
    union all
    select drive_id, 'steering_motor_torque' as quantity, n_motor_torques as n_samples
    from states
    where n_motor_turns > 0
    union all
    select drive_id, 'gas_pressed' as quantity, n_gas as n_samples from states
    union all
    select drive_id, 'brake_pressed' as quantity, n_brake as n_samples from states
    union all
    select drive_id, 'left_blinker' as quantity, n_left as n_samples from states
    union all
    select drive_id, 'right_blinker' as quantity, n_right as n_samples from states
    union all
    select
        states.drive_id,
        'cruise_buttons' as quantity,
        coalesce(presses.n_presses, 0) as n_samples
    from states
    left join presses on states.drive_id = presses.drive_id
    where states.n_states > 0
),

wanted as (
    select facts.drive_id, quantities.quantity
    from facts
    cross join (
        values
        ('speed'),
        ('odometer'),
        ('cruise_buttons'),
        ('steering_driver_torque'),
        ('steering_motor_torque'),
        ('wheel_speeds'),
        ('gas_pressed'),
        ('brake_pressed'),
        ('left_blinker'),
        ('right_blinker')
    ) as quantities (quantity)
    union
    select received.drive_id, received.quantity
    from received
    inner join facts on received.drive_id = facts.drive_id
),

logs as (
    select
        drive_id,
        start_mono_ns,
        end_mono_ns,
        lead(start_mono_ns) over by_num as next_start_mono_ns
    from log.segment
    where status <> 'failed'
    window by_num as (partition by drive_id order by segment_num)
),

lengths as (
    select
        drive_id,
        sum(
            case
                when next_start_mono_ns <= end_mono_ns + 1000000000
                    then next_start_mono_ns - start_mono_ns
                else end_mono_ns - start_mono_ns
            end
        ) / 1e9 as length_s
    from logs
    group by drive_id
),

final as (
    select
        wanted.drive_id,
        wanted.quantity,
        case
            when most.n_samples > 0 then places.source
            when told.drive_id is not null then 'carState'
            else 'none'
        end as source,
        case
            when most.n_samples > 0 then most.n_samples
            else coalesce(told.n_samples, 0)
        end::bigint as n_samples,
        case
            when most.n_samples > 0 then most.n_samples
            else coalesce(told.n_samples, 0)
        end / nullif(lengths.length_s, 0) as rate_hz
    from wanted
    left join most on wanted.drive_id = most.drive_id and wanted.quantity = most.quantity
    left join places on wanted.drive_id = places.drive_id and wanted.quantity = places.quantity
    left join told on wanted.drive_id = told.drive_id and wanted.quantity = told.quantity
    left join lengths on wanted.drive_id = lengths.drive_id
)

select * from final;
comment on column signal_sources.drive_id is 'number of the drive in this database';
comment on column signal_sources.dongle_id is 'the device';
comment on column signal_sources.drive is 'name of the drive, its log id';
comment on column signal_sources.quantity is 'what is told: speed, odometer, cruise_buttons, a pedal, a blinker, a torque, wheel_speeds, or another key of a vehicle profile';
comment on column signal_sources.source is 'can:MESSAGE.SIGNAL@bus (several with + between them) as can_signal has it; else carState; else none';
comment on column signal_sources.n_samples is 'how often it was told: frames received, or samples of carState (of buttons: events)';
comment on column signal_sources.rate_hz is 'n_samples by the length of the drive''s logs; a qlog has fewer than the car sent';
