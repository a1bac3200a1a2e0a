-- The car ahead at and before events.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- null:    what was at the event where no lead was seen then; a measure that never applied
-- why:     radarState's leadOne, with the last speed before each of its messages
create or replace view staging.event_leads as
with

seconds as (
    select
        *,
        unnest(seconds_between(look_from_ns, until_mono_ns)) as mono_second
    from staging.event_looks
),

leads as (
    select
        seconds.drive_id,
        seconds.kind,
        seconds.mono_ns as event_mono_ns,
        seconds.from_mono_ns,
        seconds.max_gap_ns,
        seconds.ttc_min_closing_mps,
        seconds.thw_min_speed_mps,
        seconds.drac_min_distance_m,
        lead.mono_ns,
        lead.segment_num,
        lead.message_num,
        lead.is_present,
        lead.d_rel_m::double as d_rel_m,
        lead.v_rel_mps::double as v_rel_mps
    from seconds
    inner join log.lead
        on
            seconds.drive_id = lead.drive_id
            and seconds.mono_second = lead.mono_ns // 1000000000
            and seconds.look_from_ns <= lead.mono_ns
            and seconds.until_mono_ns >= lead.mono_ns
),

with_speed as (
    select
        leads.*,
        case
            when leads.mono_ns - speeds.mono_ns <= leads.max_gap_ns
                then speeds.v_ego_mps
        end as v_ego_mps
    from leads
    asof left join staging.event_speeds as speeds
        on
            leads.drive_id = speeds.drive_id
            and leads.kind = speeds.kind
            and leads.event_mono_ns = speeds.event_mono_ns
            and leads.mono_ns >= speeds.mono_ns
),

measured as (
    select
        *,
        (mono_ns <= event_mono_ns and mono_ns >= from_mono_ns) as is_before,
        (
            mono_ns <= event_mono_ns
            and event_mono_ns - mono_ns <= max_gap_ns
        ) as is_at_event,
        time_to_collision_s(is_present, d_rel_m, v_rel_mps, ttc_min_closing_mps) as ttc_s,
        time_headway_s(is_present, d_rel_m, v_ego_mps, thw_min_speed_mps) as thw_s,
        case
            when
                is_present
                and d_rel_m > drac_min_distance_m
                and v_rel_mps < 0
                then v_rel_mps * v_rel_mps / (2 * d_rel_m)
        end as drac_mps2
    from with_speed
),

newest as (
    select *
    from measured
    where is_at_event
    qualify
        row_number() over (
            partition by drive_id, kind, event_mono_ns
            order by mono_ns desc, segment_num desc, message_num desc
        ) = 1
),

looks as (
    select
        drive_id,
        kind,
        event_mono_ns,
        min(ttc_s) filter (where is_before) as min_ttc_s,
        min(thw_s) filter (where is_before) as min_thw_s,
        max(drac_mps2) filter (where is_before) as max_drac_mps2
    from measured
    group by drive_id, kind, event_mono_ns
),

final as (
    select
        looks.drive_id,
        looks.kind,
        looks.event_mono_ns as mono_ns,
        case when newest.is_present then newest.d_rel_m end as lead_distance_m,
        case when newest.is_present then 0 - newest.v_rel_mps end as closing_speed_mps,
        newest.ttc_s,
        newest.thw_s,
        newest.drac_mps2,
        looks.min_ttc_s,
        looks.min_thw_s,
        looks.max_drac_mps2
    from looks
    left join newest
        on
            looks.drive_id = newest.drive_id
            and looks.kind = newest.kind
            and looks.event_mono_ns = newest.event_mono_ns
)

select * from final;
