-- Runs in which a flag of carState is true: wheel and pedals pressed, cruise on, in park ...
--
-- grain:   one row per (drive_id, flag, start_mono_ns)
-- null:    unseen_from_ns where it is known to be false before
-- why:     is_rise: it was known to be false before; is_fall: it is known to be false after. Else it
--          may have begun at any time since unseen_from_ns, 0 at the start of the log, and is_continued
--          where it was true when carState fell silent. The places of the bits are those of
--          staging.car_state_steps. `pausing` is slow or blinking, when openpilot may pause its
--          steering; `fault` is accFaulted or espDisabled
create or replace view compute.car_state_runs as
with

edges as (
    select
        edges.drive_id,
        bits.flag,
        edges.mono_ns,
        case
            when edges.is_known
                then case (edges.flags >> bits.place) & 3 when 1 then true when 0 then false end
        end as is_on
    from result.car_state_edges as edges
    cross join (
        values
        ('steering', 0),
        ('steering_disengage', 2),
        ('gas', 4),
        ('brake', 6),
        ('cruise', 8),
        ('main', 10),
        ('pausing', 12),
        ('standstill', 14),
        ('left_blinker', 16),
        ('right_blinker', 18),
        ('park', 20),
        ('reverse', 22),
        ('fault', 24),
        ('stock_aeb', 26),
        ('stock_fcw', 28)
    ) as bits (flag, place)
),

changes as (
    select
        *,
        lag(is_on) over by_time as was_on,
        row_number() over by_time as edge_num
    from edges
    window by_time as (partition by drive_id, flag order by mono_ns)
),

runs as (
    select
        drive_id,
        flag,
        mono_ns as start_mono_ns,
        lead(mono_ns) over by_time as end_mono_ns,
        is_on,
        was_on,
        lag(mono_ns) over by_time as before_mono_ns,
        lag(was_on) over by_time as was_on_before,
        lead(is_on) over by_time as is_on_after
    from changes
    where edge_num = 1 or (is_on is distinct from was_on)
    window by_time as (partition by drive_id, flag order by mono_ns)
),

final as (
    select
        drive_id,
        flag,
        start_mono_ns,
        end_mono_ns,
        not coalesce(was_on, true) as is_rise,
        not coalesce(is_on_after, true) as is_fall,
        case when was_on is null then coalesce(before_mono_ns, 0) end as unseen_from_ns,
        (was_on is null and coalesce(was_on_before, false)) as is_continued
    from runs
    where is_on and end_mono_ns is not null
)

select * from final;
