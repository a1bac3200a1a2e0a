-- Parameters as one row, times in nanoseconds.
--
-- grain:   one row
-- reads:   parameter
-- null:    a parameter that the database lacks is null, and so is what depends on it
create or replace view staging.thresholds as
with

parameters as (
    select name, value, (value * 1e9)::bigint as value_ns from parameter
),

final as (
    select
        max(value_ns) filter (where name = 'max_gap_s') as max_gap_ns,
        max(value_ns) filter (where name = 'max_gap_qlog_s') as max_gap_qlog_ns,
        max(value_ns) filter (where name = 'event_max_gap_s') as event_max_gap_ns,
        max(value_ns) filter (where name = 'engagement_min_off_s') as engagement_min_off_ns,
        max(value_ns) filter (where name = 'counted_min_on_s') as counted_min_on_ns,
        max(value_ns) filter (where name = 'counted_min_off_s') as counted_min_off_ns,
        max(value_ns) filter (where name = 'end_of_drive_s') as end_of_drive_ns,
        max(value_ns) filter (where name = 'override_min_s') as override_min_ns,
        max(value_ns) filter (where name = 'override_merge_s') as override_merge_ns,
        max(value_ns) filter (where name = 'cause_before_s') as cause_before_ns,
        max(value_ns) filter (where name = 'cause_after_s') as cause_after_ns,
        max(value_ns) filter (where name = 'soft_disable_s') as soft_disable_ns,
        max(value_ns) filter (where name = 'position_max_age_s') as position_max_age_ns,
        max(value) filter (where name = 'moving_min_mps') as moving_min_mps,
        max(value) filter (where name = 'city_max_mps') as city_max_mps,
        max(value) filter (where name = 'road_max_mps') as road_max_mps
    from parameters
)

select * from final;
