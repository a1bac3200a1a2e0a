-- Ends of engagements and overrides, with how dangerous each was.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- null:    whatever the log can't say, and what the car ahead never gave cause for
-- why:     severity is the worst ratio of a measure to the threshold that makes it critical. What
--          somebody describes is critical by its name, if at all, and never counts twice
create or replace view compute.events as
with

measured as (
    select
        moments.drive_id,
        moments.kind,
        moments.mono_ns,
        moments.engagement_num,
        moments.mode,
        moments.segment_num,
        moments.duration_s,
        ends.cause,
        ends.cause_event,
        ends.is_counted,
        ends.is_inferred,
        (inputs.drive_id is not null) as is_intervention,
        case
            when overrides.is_carried_in then 'carried_in'
            when overrides.is_nudge then 'nudge'
            when overrides.is_nag_answer then 'nag_answer'
            when overrides.is_resume then 'resume'
            when ends.is_pause then 'pause'
        end as exempt_by,
        moments.speed_mps,
        moments.latitude,
        moments.longitude,
        moments.model,
        leads.lead_distance_m,
        leads.closing_speed_mps,
        leads.ttc_s,
        leads.thw_s,
        leads.drac_mps2,
        leads.min_ttc_s,
        leads.min_thw_s,
        leads.max_drac_mps2,
        motion.peak_deceleration_mps2,
        motion.peak_jerk_mps3,
        motion.peak_steering_rate_deg_per_s,
        turning.peak_lateral_acceleration_mps2,
        aftermath.time_to_input_s,
        aftermath.time_to_reengage_s,
        coalesce(warnings.has_fcw, case when motion.tells_fcw then false end) as has_fcw,
        coalesce(warnings.has_aeb, case when motion.tells_aeb then false end) as has_aeb,
        motion.has_blinker,
        warnings.has_lane_change,
        (moments.speed_mps < thresholds.planned_max_speed_mps) as is_near_standstill,
        (motion.has_gas and motion.a_ego_mps2 > 0) as is_accelerating,
        (arrivals.drive_id is not null) as is_arrival,
        coalesce(
            motion.has_gas and -motion.least_a_ego_mps2 > thresholds.unplanned_deceleration_mps2,
            false
        ) as is_answer_to_braking,
        is_turned_against(
            case
                when moments.kind = 'lateral_override' then overrides.steering_torque
                when ends.cause = 'driver_steer' then motion.steering_torque
            end,
            coalesce(warnings.lane_change_direction, motion.blinker_side)
        ) as is_turned_against,
        thresholds.critical_ttc_s,
        thresholds.critical_thw_s,
        thresholds.critical_drac_mps2,
        thresholds.critical_deceleration_mps2
    from result.event_moments as moments
    cross join result.thresholds as thresholds
    left join result.end_causes as ends
        on
            moments.drive_id = ends.drive_id
            and moments.mono_ns = ends.mono_ns
            and moments.kind = 'disengagement'
    left join result.intervention_inputs as inputs
        on
            moments.drive_id = inputs.drive_id
            and moments.mono_ns = inputs.event_mono_ns
            and moments.kind = inputs.kind
    left join result.overrides as overrides
        on
            moments.drive_id = overrides.drive_id
            and moments.mono_ns = overrides.start_mono_ns
            and moments.kind = overrides.axis || '_override'
    left join staging.arrivals as arrivals
        on
            moments.drive_id = arrivals.drive_id
            and moments.mono_ns = arrivals.mono_ns
            and moments.kind = 'disengagement'
    left join staging.event_motion as motion
        on
            moments.drive_id = motion.drive_id
            and moments.kind = motion.kind
            and moments.mono_ns = motion.mono_ns
    left join staging.event_turning as turning
        on
            moments.drive_id = turning.drive_id
            and moments.kind = turning.kind
            and moments.mono_ns = turning.mono_ns
    left join staging.event_leads as leads
        on
            moments.drive_id = leads.drive_id
            and moments.kind = leads.kind
            and moments.mono_ns = leads.mono_ns
    left join staging.event_warnings as warnings
        on
            moments.drive_id = warnings.drive_id
            and moments.kind = warnings.kind
            and moments.mono_ns = warnings.mono_ns
    left join staging.event_aftermath as aftermath
        on
            moments.drive_id = aftermath.drive_id
            and moments.kind = aftermath.kind
            and moments.mono_ns = aftermath.mono_ns
),

judged as (
    select
        *,
        case
            when not is_saved_moment(kind)
                then greatest(
                    critical_ttc_s / min_ttc_s,
                    critical_thw_s / min_thw_s,
                    max_drac_mps2 / critical_drac_mps2,
                    peak_deceleration_mps2 / critical_deceleration_mps2
                )
        end as severity,
        coalesce(min_ttc_s < critical_ttc_s, false)
        or coalesce(min_thw_s < critical_thw_s, false)
        or coalesce(max_drac_mps2 > critical_drac_mps2, false)
        or coalesce(peak_deceleration_mps2 > critical_deceleration_mps2, false)
        or coalesce(has_fcw, false)
        or coalesce(has_aeb, false) as is_any_critical
    from measured
),

final as (
    select
        * exclude (
            has_blinker,
            has_lane_change,
            is_near_standstill,
            is_accelerating,
            is_arrival,
            is_answer_to_braking,
            is_turned_against,
            is_any_critical,
            critical_ttc_s,
            critical_thw_s,
            critical_drac_mps2,
            critical_deceleration_mps2
        ),
        case
            when cause = 'end_of_drive' or is_saved_moment(kind) then null
            when is_any_critical then true
            when severity is not null or has_fcw is not null or has_aeb is not null then false
        end as is_critical,
        case
            when is_any_critical or is_answer_to_braking or is_turned_against then false
            when
                has_blinker
                or has_lane_change
                or is_near_standstill
                or is_accelerating
                or is_arrival
                then true
            else coalesce(has_blinker, has_lane_change, is_near_standstill, is_accelerating)
        end as is_planned
    from judged
)

select * from final;
