-- Samples of several services together, on a grid of time: macros that read views, so made after them.

-- The samples of a view on a grid: at each tick the last one that is not after it, unless it is older
-- than it may be: as old as the time that its drive's logs may be without a sample, if no other is
-- given.
create or replace macro on_grid(samples, hz, max_age_ns) as table
    with

    ticked as (
        select *, tick_from(mono_ns, hz) as tick_num
        from query_table(samples)
    ),

    -- The next sample of the drive; `find` takes it as rows lie, and nothing is sorted, which fails
    -- where they do not lie in order.
    followed as (
        select
            columns(* exclude (time_s, at_utc)),
            lead(drive_id) over as_logged as next_drive_id,
            lead(mono_ns) over as_logged as next_mono_ns,
            lead(message_position(segment_num, message_num)) over as_logged as next_position
        from ticked
        window as_logged as (partition by drive_id order by mono_ns, segment_num, message_num)
    ),

    lasts as (
        select
            * exclude (segment_num, message_num, next_mono_ns, next_position),
            tick_from(next_mono_ns, hz) as next_tick_num
        from followed
        where
            case
                when
                    next_drive_id < drive_id
                    or (
                        next_drive_id = drive_id
                        and (
                            next_mono_ns < mono_ns
                            or (
                                next_mono_ns = mono_ns
                                and next_position <= message_position(segment_num, message_num)
                            )
                        )
                    )
                    then error('samples do not lie in order')
                else next_drive_id is distinct from drive_id or tick_from(next_mono_ns, hz) <> tick_num
            end
    ),

    aged as (
        select
            lasts.*,
            coalesce(
                max_age_ns,
                case
                    when facts.is_qlog then (select max_gap_qlog_ns from result.thresholds)
                    else (select max_gap_ns from result.thresholds)
                end
            ) as lasts_ns
        from lasts
        inner join result.drive_facts as facts on lasts.drive_id = facts.drive_id
    ),

    held as (
        select
            * exclude (mono_ns, next_drive_id, next_tick_num, lasts_ns),
            least(
                case when next_drive_id = drive_id then next_tick_num end,
                (mono_ns + lasts_ns) // step_ns(hz) + 1
            ) as until_tick_num
        from aged
    )

    select
        * exclude (tick_num, until_tick_num),
        unnest(range(tick_num, until_tick_num)) as tick_num
    from held;

-- What openpilot does, and whether the driver overrides it, on a grid.
create or replace macro states_on_grid(hz) as table
    select
        drive_id,
        unnest(range(tick_from(start_mono_ns, hz), tick_from(end_mono_ns, hz))) as tick_num,
        mode,
        lateral_active,
        longitudinal_active
    from result.state_intervals
    where mode <> 'unknown';

create or replace macro overrides_on_grid(hz) as table
    select
        drive_id,
        unnest(range(tick_from(start_mono_ns, hz), tick_from(end_mono_ns, hz))) as tick_num,
        case when axis = 'lateral' then true end as is_lateral_override,
        case when axis = 'longitudinal' then true end as is_longitudinal_override
    from result.overrides;

-- What the named services say together on a grid of hz ticks a second, with what follows from it; a
-- service that is not named is not read. A tick at which nothing is known has no row.
create or replace macro services_at(hz, services) as table
    with

    told as (
        select *, 'car' as service
        from on_grid('car_samples', hz, null)
        where list_contains(services, 'car')
        union all by name
        select *, 'control' as service
        from on_grid('control_samples', hz, null)
        where list_contains(services, 'control')
        union all by name
        select *, 'curvature' as service
        from on_grid('curvature_samples', hz, null)
        where list_contains(services, 'curvature')
        union all by name
        select *, 'lead' as service
        from on_grid('lead_samples', hz, null)
        where list_contains(services, 'lead')
        union all by name
        select *, 'plan' as service
        from on_grid('plan_samples', hz, null)
        where list_contains(services, 'plan')
        union all by name
        select *, 'model' as service
        from on_grid('model_samples', hz, null)
        where list_contains(services, 'model')
        union all by name
        select *, 'driver' as service
        from on_grid('driver_samples', hz, null)
        where list_contains(services, 'driver')
        union all by name
        select *, 'gps' as service
        from on_grid('gps_samples', hz, (select position_max_age_ns from result.thresholds))
        where list_contains(services, 'gps')
        union all by name
        select *, 'state' as service
        from states_on_grid(hz)
        where list_contains(services, 'state')
        union all by name
        select *, 'override' as service
        from overrides_on_grid(hz)
        where list_contains(services, 'state')
    ),

    ticks as (
        select
            drive_id,
            tick_num,
            any_value(columns(* exclude (drive_id, tick_num, service))),
            coalesce(bool_or(service = 'lead'), false) as is_lead_known
        from told
        group by drive_id, tick_num
    )

    select
        ticks.drive_id,
        ticks.tick_num * step_ns(hz) as mono_ns,
        (ticks.tick_num * step_ns(hz) - facts.first_mono_ns) / 1e9 as time_s,
        wall_time(identity.started_at_utc, facts.first_mono_ns, ticks.tick_num * step_ns(hz))
            as at_utc,
        ticks.* exclude (drive_id, tick_num, is_lateral_override, is_longitudinal_override),
        case when ticks.mode is not null then coalesce(ticks.is_lateral_override, false) end
            as is_lateral_override,
        case when ticks.mode is not null then coalesce(ticks.is_longitudinal_override, false) end
            as is_longitudinal_override,
        time_to_collision_s(
            ticks.is_lead_present,
            ticks.lead_d_rel_m::double,
            ticks.lead_v_rel_mps::double,
            (select ttc_min_closing_mps from result.thresholds)
        ) as lead_ttc_s,
        time_headway_s(
            ticks.is_lead_present,
            ticks.lead_d_rel_m::double,
            ticks.v_ego_mps::double,
            (select thw_min_speed_mps from result.thresholds)
        ) as lead_thw_s,
        ticks.curvature_per_m::double * ticks.v_ego_mps::double * ticks.v_ego_mps::double
            as lateral_acceleration_mps2,
        ticks.left_blinker
        or ticks.right_blinker
        or ticks.v_ego_mps < (select planned_max_speed_mps from result.thresholds) as looks_planned
    from ticks
    inner join result.drive_facts as facts on ticks.drive_id = facts.drive_id
    left join result.drive_identity as identity on ticks.drive_id = identity.drive_id;

-- What all services say together.
create or replace macro samples_at(hz) as table
    select * from services_at(hz, ['car', 'control', 'curvature', 'lead', 'gps', 'plan', 'model', 'driver', 'state']);
