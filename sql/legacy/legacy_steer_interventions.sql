-- Steering interventions as the old system found them.
--
-- grain:   one row per (drive_id, segment_num, message_num)
-- null:    never
-- why:     whether one counts depends on the one before it (10 s, and 0.3 Nm in between), so a fold
--          goes over each segment's looks in order. A recursive query takes no filter on drive_id
create or replace view compute.legacy_steer_interventions as
with

looks as (
    select * from staging.legacy_steer_looks
),

sequences as (
    select
        drive_id,
        segment_num,
        list(
            { 'message_num': message_num, 'mono_ns': mono_ns, 'difference_nm': difference_nm }
            order by message_num, frame_num
        ) as looks_in_order
    from looks
    where difference_nm > 1.5::double or difference_nm < 0.3::double
    group by drive_id, segment_num
),

folded as (
    select
        drive_id,
        segment_num,
        list_reduce(  -- noqa: PRS
            looks_in_order,
            lambda state, look: case
                when look.difference_nm < 0.3::double
                    then {'is_inside': false, 'last_ns': state.last_ns, 'found': state.found}
                when state.is_inside or look.mono_ns - state.last_ns <= 10000000000
                    then state
                else {
                    'is_inside': true,
                    'last_ns': look.mono_ns,
                    'found': list_append(state.found, look)
                }
            end,
            {
                'is_inside': false,
                'last_ns': 0::bigint,
                'found':
                    []::struct(message_num integer, mono_ns bigint, difference_nm double)[]
            }
        ).found as interventions_in_order
    from sequences
),

unnested as (
    select
        drive_id,
        segment_num,
        unnest(interventions_in_order) as intervention
    from folded
),

final as (
    select
        unnested.drive_id,
        unnested.segment_num,
        unnested.intervention.message_num,
        unnested.intervention.mono_ns,
        unnested.intervention.difference_nm
    from unnested
)

select * from final;
