-- What was pressed, stood still or failed around the end of an engagement, begun then or before.
--
-- grain:   one row per (drive_id, engagement_num)
-- null:    steering_mono_ns without a wheel that was taken in the window, joining_mono_ns without any
create or replace view staging.end_inputs as
with

final as (
    select
        ends.drive_id,
        ends.engagement_num,
        coalesce(bool_or(runs.flag = 'brake'), false) as has_brake,
        coalesce(bool_or(runs.flag = 'gas'), false) as has_gas,
        coalesce(bool_or(runs.flag = 'steering'), false) as has_steering,
        coalesce(bool_or(runs.flag in ('fault', 'stock_aeb')), false) as has_fault,
        coalesce(
            bool_or(
                runs.flag = 'standstill'
                and runs.start_mono_ns <= ends.end_mono_ns
                and runs.end_mono_ns >= ends.end_mono_ns
            ),
            false
        ) as is_standstill,
        min(
            case
                when
                    runs.flag = 'steering'
                    and runs.start_mono_ns between ends.cause_from_mono_ns and ends.end_mono_ns
                    then runs.start_mono_ns
            end
        ) as steering_mono_ns,
        min(
            case
                when
                    runs.flag = 'steering'
                    or (runs.flag in ('brake', 'gas') and ends.mode = 'engaged')
                    then runs.start_mono_ns
            end
        ) as joining_mono_ns
    from result.engagements as ends
    left join result.car_state_runs as runs
        on
            ends.drive_id = runs.drive_id
            and ends.cause_from_mono_ns < runs.end_mono_ns
            and ends.cause_until_mono_ns >= runs.start_mono_ns
            and runs.flag in ('brake', 'gas', 'steering', 'fault', 'stock_aeb', 'standstill')
    where ends.end_kind in ('disengagement', 'end_of_drive')
    group by ends.drive_id, ends.engagement_num
)

select * from final;
