-- Maximal runs of one state.
--
-- grain:   one row per (drive_id, start_mono_ns)
-- null:    every flag while the mode is unknown; lateral_active and longitudinal_active while the
--          services that tell them are
-- why:     services change some milliseconds apart, so steering alone for a moment is no mode. Where
--          the fork logs its switch for steering without cruise, that decides, as latActive drops
--          at standstill and while a blinker is on. Each source is cut down to its edges first; they are then laid over each other, so
--          the windows that fill in see a few hundred rows instead of every sample
create or replace view compute.state_intervals as
with

control_edges as (
    select * from staging.control_edges
),

-- Before 2021-07 qlogs have one sample a second, but every list of events.
moved as (
    select
        edges.drive_id,
        edges.mono_ns,
        min(spans.start_mono_ns) as event_mono_ns
    from control_edges as edges
    inner join result.event_spans as spans
        on
            edges.drive_id = spans.drive_id
            and edges.changed_after_ns < spans.start_mono_ns
            and edges.mono_ns >= spans.start_mono_ns
    where
        case
            when (edges.code & 2) = 2 then spans.enable
            else spans.user_disable or spans.immediate_disable
        end
    group by edges.drive_id, edges.mono_ns
),

-- Who cancels and engages again within a second is active in both samples.
cancelled as (
    select
        edges.drive_id,
        edges.mono_ns,
        edges.code,
        min(spans.start_mono_ns) as off_mono_ns
    from control_edges as edges
    inner join result.event_spans as spans
        on
            edges.drive_id = spans.drive_id
            and edges.active_since_ns < spans.start_mono_ns
            and edges.mono_ns > spans.start_mono_ns
    where spans.user_disable or spans.immediate_disable
    group by edges.drive_id, edges.mono_ns, edges.code
),

engaged_again as (
    select
        cancelled.drive_id,
        cancelled.code,
        cancelled.off_mono_ns,
        min(spans.start_mono_ns) as on_mono_ns
    from cancelled
    inner join result.event_spans as spans
        on
            cancelled.drive_id = spans.drive_id
            and cancelled.off_mono_ns < spans.start_mono_ns
            and cancelled.mono_ns >= spans.start_mono_ns
    where spans.enable
    group by cancelled.drive_id, cancelled.code, cancelled.off_mono_ns
),

edges as (
    select
        edges.drive_id,
        coalesce(moved.event_mono_ns, edges.mono_ns) as mono_ns,
        case when not edges.is_car_control then edges.is_known::int * (4 + edges.code) end
            as control_code,
        case when edges.is_car_control then edges.is_known::int * (32 + edges.code) end
            as car_control_code,
        null::integer as cruise_code,
        null::integer as mads_code,
        case when moved.event_mono_ns is null then edges.uncertainty_ns else 0 end
            as uncertainty_ns
    from control_edges as edges
    left join moved
        on
            edges.drive_id = moved.drive_id
            and edges.mono_ns = moved.mono_ns
            and not edges.is_car_control
    union all
    select
        drive_id,
        unnest([off_mono_ns, on_mono_ns]),
        unnest([4, 4 + code]),
        null,
        null,
        null,
        0
    from engaged_again
    union all
    select
        drive_id,
        mono_ns,
        null,
        null,
        case
            when is_known then case (flags >> 8) & 3 when 1 then 3 when 0 then 2 else 0 end
            else 0
        end,
        null,
        null
    from result.car_state_edges
    union all
    select
        drive_id,
        mono_ns,
        null,
        null,
        null,
        case
            when not coalesce(available, true) then 0
            when enabled and (state is distinct from 'paused') then 2
            else 1
        end,
        null
    from log.mads
    union all
    select drive_id, first_mono_ns, null, null, null, null, null from result.drive_facts
),

moments as (
    select
        drive_id,
        mono_ns,
        max(control_code) as control_code,
        max(car_control_code) as car_control_code,
        max(cruise_code) as cruise_code,
        max(mads_code) as mads_code,
        max(uncertainty_ns) as uncertainty_ns
    from edges
    where mono_ns is not null
    group by drive_id, mono_ns
),

filled as (
    select
        drive_id,
        mono_ns,
        uncertainty_ns,
        coalesce(last_value(control_code ignore nulls) over until_now, 0) as control_code,
        coalesce(last_value(car_control_code ignore nulls) over until_now, 0) as car_control_code,
        coalesce(last_value(cruise_code ignore nulls) over until_now, 0) as cruise_code,
        coalesce(last_value(mads_code ignore nulls) over until_now, 0) as mads_code
    from moments
    window until_now as (
        partition by drive_id order by mono_ns rows between unbounded preceding and current row
    )
),

values_by_moment as (
    select
        filled.drive_id,
        filled.mono_ns,
        coalesce(filled.uncertainty_ns, 0) as uncertainty_ns,
        facts.is_old_sunnypilot,
        facts.openpilot_longitudinal,
        facts.first_mono_ns,
        facts.last_mono_ns,
        (filled.control_code > 0) as is_known,
        ((filled.control_code & 1) = 1) as enabled,
        ((filled.control_code & 2) = 2) as active,
        (facts.has_car_control and filled.car_control_code = 0) as is_car_control_unknown,
        ((filled.car_control_code & 1) = 1) as control_enabled,
        case (filled.car_control_code // 2) & 3 when 3 then true when 2 then false end
            as lat_active,
        case (filled.car_control_code // 8) & 3 when 3 then true when 2 then false end
            as long_active,
        case filled.cruise_code when 3 then true when 2 then false end as cruise_enabled,
        case filled.mads_code when 2 then true when 1 then false end as mads_enabled
    from filled
    inner join result.drive_facts as facts on filled.drive_id = facts.drive_id
),

states as (
    select
        drive_id,
        mono_ns,
        uncertainty_ns,
        first_mono_ns,
        last_mono_ns,
        case
            when not is_known then 'unknown'
            when
                is_old_sunnypilot
                and coalesce(
                    mads_enabled,
                    coalesce(lat_active, false) or coalesce(active and not cruise_enabled, false)
                )
                and not coalesce(long_active, false)
                and not coalesce(cruise_enabled, false)
                then 'lateral_only'
            when active then 'engaged'
            when coalesce(mads_enabled, lat_active, false) and not control_enabled and not enabled
                then 'lateral_only'
            when enabled then 'pre_enabled'
            else 'manual'
        end as mode,
        case when is_known then enabled end as enabled,
        case when is_known then active end as active,
        case
            when is_known and not is_car_control_unknown then coalesce(lat_active, active)
        end as lateral_active,
        case
            when not is_known then null
            when openpilot_longitudinal and not is_car_control_unknown
                then coalesce(long_active, active)
            when not openpilot_longitudinal then active and cruise_enabled
        end as longitudinal_active
    from values_by_moment
),

in_span as (
    select
        *,
        lag(mode) over by_time as mode_before,
        coalesce(lead(mono_ns) over by_time, last_mono_ns) as next_mono_ns
    from states
    where mono_ns >= first_mono_ns and mono_ns < last_mono_ns
    window by_time as (partition by drive_id order by mono_ns)
),

mode_nums as (
    select
        *,
        sum((mode is distinct from mode_before)::int) over (
            partition by drive_id order by mono_ns
            rows between unbounded preceding and current row
        ) as mode_num
    from in_span
),

settled as (
    select
        * replace (
            case
                when
                    mode = 'lateral_only'
                    and max(next_mono_ns) over by_mode - min(mono_ns) over by_mode
                    < (select cause_after_ns from result.thresholds)
                    then 'manual'
                else mode
            end as mode
        )
    from mode_nums
    window by_mode as (partition by drive_id, mode_num)
),

runs as (
    select
        *,
        lag(mode) over by_time as previous_mode,
        lag(enabled) over by_time as previous_enabled,
        lag(active) over by_time as previous_active,
        lag(lateral_active) over by_time as previous_lateral_active,
        lag(longitudinal_active) over by_time as previous_longitudinal_active
    from settled
    window by_time as (partition by drive_id order by mono_ns)
),

intervals as (
    select
        drive_id,
        mono_ns as start_mono_ns,
        coalesce(lead(mono_ns) over by_time, last_mono_ns) as end_mono_ns,
        mode,
        enabled,
        active,
        lateral_active,
        longitudinal_active,
        uncertainty_ns as start_uncertainty_ns
    from runs
    where
        previous_mode is null
        or (mode is distinct from previous_mode)
        or (enabled is distinct from previous_enabled)
        or (active is distinct from previous_active)
        or (lateral_active is distinct from previous_lateral_active)
        or (longitudinal_active is distinct from previous_longitudinal_active)
    window by_time as (partition by drive_id order by mono_ns)
),

final as (
    select *, (end_mono_ns - start_mono_ns) / 1e9 as duration_s
    from intervals
)

select * from final;
comment on column state_intervals.drive_id is 'number of the drive in this database';
comment on column state_intervals.start_mono_ns is 'logMonoTime of the start';
comment on column state_intervals.end_mono_ns is 'logMonoTime of the end, which is not part of it';
comment on column state_intervals.duration_s is 'end - start';
comment on column state_intervals.mode is 'engaged, lateral_only, pre_enabled, manual, or unknown (no sample within {max_gap_s} s)';
comment on column state_intervals.enabled is 'openpilot is enabled; null when unknown';
comment on column state_intervals.active is 'openpilot is in control; null when unknown';
comment on column state_intervals.lateral_active is 'it steers; null when unknown';
comment on column state_intervals.longitudinal_active is 'it, or stock cruise, controls speed; null when unknown';
