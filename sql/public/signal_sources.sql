-- Where a drive's samples of what the car tells are from: CAN first, else carState, else nowhere.
--
-- grain:   one row per (drive_id, quantity)
-- reads:   result.signal_sources, log.drive
-- null:    rate_hz of logs without a length
-- why:     what this project computes reads carState throughout, but for the odometer and the old
--          system's numbers, which are CAN signals' or null
create or replace view signal_sources as
with

final as (
    select
        sources.drive_id,
        drive.dongle_id,
        drive.drive,
        sources.quantity,
        sources.source,
        sources.n_samples,
        sources.rate_hz
    from result.signal_sources as sources
    inner join log.drive on sources.drive_id = drive.drive_id
)

select * from final;
comment on column signal_sources.drive_id is 'number of the drive in this database';
comment on column signal_sources.dongle_id is 'the device';
comment on column signal_sources.drive is 'name of the drive, its log id';
comment on column signal_sources.quantity is 'what is told: speed, odometer, cruise_buttons, a pedal, a blinker, a torque, wheel_speeds, or another key of a vehicle profile';
comment on column signal_sources.source is 'can:MESSAGE.SIGNAL@bus (several with + between them) as can_signal has it; else carState; else none';
comment on column signal_sources.n_samples is 'how often it was told: frames received, or samples of carState (of buttons: events)';
comment on column signal_sources.rate_hz is 'n_samples by the length of the drive''s logs; a qlog has fewer than the car sent';
