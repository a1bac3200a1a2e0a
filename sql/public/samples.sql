-- All that is sampled, together at each tick of a grid of ten a second; samples_at(hz) has other grids.
--
-- grain:   one row per (drive_id, mono_ns)
-- null:    what no sample says that is recent enough: no older than {max_gap_s} s, in a drive of qlogs
--          {max_gap_qlog_s} s, of a position {position_max_age_s} s
-- why:     a sample holds until the next one, so a tick has the last one that is not after it. Ticks are
--          whole tenths of logMonoTime, so those of all services are the same
create or replace view samples as
with

final as (
    select * from samples_at(10)
)

select * from final;
comment on column samples.drive_id is 'number of the drive in this database';
comment on column samples.mono_ns is 'logMonoTime of the tick';
comment on column samples.time_s is 'seconds from the first sample of the drive';
comment on column samples.at_utc is 'when it was; null without a clock that was set';
comment on column samples.mode is 'what openpilot does, as in state_intervals; null where that is unknown';
comment on column samples.lateral_active is 'openpilot steers; null where that is unknown';
comment on column samples.longitudinal_active is 'it, or stock cruise, controls speed; null where that is unknown';
comment on column samples.is_lead_known is 'radarState says whether there is a car in front';
comment on column samples.is_lateral_override is 'the driver steers against openpilot, as in overrides; null where the mode is unknown';
comment on column samples.is_longitudinal_override is 'the driver accelerates, as in overrides; null where the mode is unknown';
comment on column samples.lead_ttc_s is 'time to collision: distance / closing speed; null unless closing by more than {ttc_min_closing_mps} m/s';
comment on column samples.lead_thw_s is 'time headway: distance / speed; null at {thw_min_speed_mps} m/s and below';
comment on column samples.lateral_acceleration_mps2 is 'curvature x speed squared; null where openpilot logged no curvature';
comment on column samples.looks_planned is 'a blinker is on, or slower than {planned_max_speed_mps} m/s, where taking over is planned';
