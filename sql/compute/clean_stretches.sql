-- Stretches of a drive between interventions, and how far each went engaged.
--
-- grain:   one row per (drive_id, stretch_num)
-- null:    never: a stretch without engaged distance has 0
-- why:     stretches and states are laid over each other first, so each step is placed only once
create or replace view compute.clean_stretches as
with

spans as (
    select drive_id, first_mono_ns, last_mono_ns
    from result.drive_facts
    where first_mono_ns < last_mono_ns
),

borders as (
    select drive_id, first_mono_ns as mono_ns from spans
    union
    select interventions.drive_id, interventions.mono_ns
    from result.interventions as interventions
    inner join spans on interventions.drive_id = spans.drive_id
    where
        interventions.mode = 'engaged'
        and interventions.mono_ns >= spans.first_mono_ns
        and interventions.mono_ns < spans.last_mono_ns
),

stretches as (
    select
        borders.drive_id,
        row_number() over by_time as stretch_num,
        borders.mono_ns as start_mono_ns,
        coalesce(lead(borders.mono_ns) over by_time, spans.last_mono_ns) as end_mono_ns
    from borders
    inner join spans on borders.drive_id = spans.drive_id
    window by_time as (partition by borders.drive_id order by borders.mono_ns)
),

moments as (
    select
        drive_id,
        mono_ns,
        max(stretch_num) as stretch_num,
        bool_or(is_engaged) as is_engaged
    from (
        select drive_id, start_mono_ns as mono_ns, stretch_num, null::boolean as is_engaged
        from stretches
        union all
        select
            drive_id, start_mono_ns as mono_ns, null as stretch_num, mode = 'engaged' as is_engaged
        from result.state_intervals
    ) as starts
    group by drive_id, mono_ns
),

pieces as (
    select
        drive_id,
        mono_ns,
        last_value(stretch_num ignore nulls) over until_now as stretch_num,
        last_value(is_engaged ignore nulls) over until_now as is_engaged
    from moments
    window until_now as (
        partition by drive_id order by mono_ns rows between unbounded preceding and current row
    )
),

steps as (
    select drive_id, mono_ns, distance_m
    from staging.car_state_steps
    where distance_m > 0
),

distances as (
    select
        steps.drive_id,
        pieces.stretch_num,
        fsum(steps.distance_m) as engaged_m
    from steps
    asof inner join pieces
        on steps.drive_id = pieces.drive_id and steps.mono_ns >= pieces.mono_ns
    where pieces.is_engaged
    group by steps.drive_id, pieces.stretch_num
),

final as (
    select
        stretches.drive_id,
        stretches.stretch_num::integer as stretch_num,
        stretches.start_mono_ns,
        stretches.end_mono_ns,
        (stretches.end_mono_ns - stretches.start_mono_ns) / 1e9 as duration_s,
        (coalesce(distances.engaged_m, 0) / 1000)::double as engaged_km
    from stretches
    left join distances
        on
            stretches.drive_id = distances.drive_id
            and stretches.stretch_num = distances.stretch_num
)

select * from final;
comment on column clean_stretches.drive_id is 'number of the drive in this database';
comment on column clean_stretches.dongle_id is 'the device';
comment on column clean_stretches.drive is 'name of the drive, its log id';
comment on column clean_stretches.stretch_num is 'number of the stretch in its drive, from 1';
comment on column clean_stretches.start_mono_ns is 'logMonoTime of the drive''s first sample, or of the intervention that the stretch follows';
comment on column clean_stretches.end_mono_ns is 'logMonoTime of the next intervention, or of the drive''s last sample';
comment on column clean_stretches.duration_s is 'from start to end, engaged or not';
comment on column clean_stretches.engaged_km is 'distance engaged in it; 0 if it was never engaged';
