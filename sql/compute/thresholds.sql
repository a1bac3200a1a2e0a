-- Parameters as one row, times in nanoseconds.
--
-- grain:   one row
-- null:    a parameter that the database lacks is null, and so is what depends on it
-- why:     views read a threshold in many places: a kept row is planned faster than an aggregate
create or replace view compute.thresholds as
with

parameters as (
    select name, value, (value * 1e9)::bigint as value_ns from store.parameter
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
        max(value_ns) filter (where name = 'pause_grace_s') as pause_grace_ns,
        max(value_ns) filter (where name = 'prompt_before_s') as prompt_before_ns,
        max(value_ns) filter (where name = 'nudge_max_s') as nudge_max_ns,
        max(value_ns) filter (where name = 'intervention_merge_s') as intervention_merge_ns,
        max(value_ns) filter (where name = 'consequence_s') as consequence_ns,
        max(value) filter (where name = 'cruise_min_margin_mps') as cruise_min_margin_mps,
        max(value_ns) filter (where name = 'cause_before_s') as cause_before_ns,
        max(value_ns) filter (where name = 'cause_after_s') as cause_after_ns,
        max(value_ns) filter (where name = 'soft_disable_s') as soft_disable_ns,
        max(value_ns) filter (where name = 'position_max_age_s') as position_max_age_ns,
        max(value) filter (where name = 'moving_min_mps') as moving_min_mps,
        max(value) filter (where name = 'city_max_mps') as city_max_mps,
        max(value) filter (where name = 'road_max_mps') as road_max_mps,
        max(value_ns) filter (where name = 'severity_before_s') as severity_before_ns,
        max(value_ns) filter (where name = 'severity_after_s') as severity_after_ns,
        max(value_ns) filter (where name = 'jerk_window_s') as jerk_window_ns,
        max(value) filter (where name = 'ttc_min_closing_mps') as ttc_min_closing_mps,
        max(value) filter (where name = 'thw_min_speed_mps') as thw_min_speed_mps,
        max(value) filter (where name = 'drac_min_distance_m') as drac_min_distance_m,
        max(value) filter (where name = 'critical_ttc_s') as critical_ttc_s,
        max(value) filter (where name = 'critical_thw_s') as critical_thw_s,
        max(value) filter (where name = 'critical_drac_mps2') as critical_drac_mps2,
        max(value) filter (where name = 'critical_deceleration_mps2') as critical_deceleration_mps2,
        max(value) filter (where name = 'planned_max_speed_mps') as planned_max_speed_mps,
        max(value) filter (where name = 'planned_park_m') as planned_park_m,
        max(value_ns) filter (where name = 'unplanned_before_s') as unplanned_before_ns,
        max(value) filter (where name = 'unplanned_deceleration_mps2') as unplanned_deceleration_mps2,
        max(value_ns) filter (where name = 'reaction_max_s') as reaction_max_ns,
        max(value) filter (where name = 'shipped_dispersion') as shipped_dispersion,
        max(value) filter (where name = 'dispersion_degrees') as dispersion_degrees,
        max(value) filter (where name = 'other_min_drives') as other_min_drives,
        max(value) filter (where name = 'night_min_deg') as night_min_deg,
        max(value) filter (where name = 'place_cell_m') as place_cell_m,
        max(value) filter (where name = 'place_min_drives') as place_min_drives,
        max(value) filter (where name = 'hot_spot_false_discovery') as hot_spot_false_discovery,
        max(value) filter (where name = 'median_min_drives') as median_min_drives,
        max(value) filter (where name = 'saturation_min_torque') as saturation_min_torque,
        max(value) filter (where name = 'tuning_min_speed_mps') as tuning_min_speed_mps,
        max(value_ns) filter (where name = 'label_match_s') as label_match_ns,
        epoch_us(
            make_timestamp(
                least(
                    greatest(max(value) filter (where name = 'clock_earliest_year'), 1), 9999
                )::bigint,
                1, 1, 0, 0, 0
            )
        )::hugeint * 1000 as clock_earliest_ns,
        (max(value) filter (where name = 'clock_max_ahead_d') * 86400e9)::hugeint
            as clock_max_ahead_ns,
        max(value) filter (where name = 'clock_max_difference_s') as clock_max_difference_s,
        max(value_ns) filter (where name = 'noisy_min_engaged_s') as noisy_min_engaged_ns,
        max(value) filter (where name = 'noisy_min_fraction') as noisy_min_fraction
    from parameters
)

select * from final;
