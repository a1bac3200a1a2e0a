-- What the driver did next after engagements ended, and when openpilot was engaged again.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- null:    time_to_input_s without an input in the look; time_to_reengage_s where the state between
--          is not all known, or nothing followed
-- why:     an override is an input itself and goes on engaged, so it has no row
create or replace view staging.event_aftermath as
with

ends as (
    select looks.drive_id, looks.kind, looks.mono_ns, looks.until_mono_ns, moments.engagement_num
    from staging.event_looks as looks
    inner join result.event_moments as moments
        on
            looks.drive_id = moments.drive_id
            and looks.kind = moments.kind
            and looks.mono_ns = moments.mono_ns
    where looks.kind = 'disengagement'
),

inputs as (
    select
        ends.drive_id,
        ends.mono_ns,
        min(greatest(inputs.start_mono_ns, ends.mono_ns)) as input_mono_ns
    from ends
    inner join result.driver_inputs as inputs
        on
            ends.drive_id = inputs.drive_id
            and ends.until_mono_ns >= inputs.start_mono_ns
            and ends.mono_ns <= inputs.end_mono_ns
    where inputs.end_mono_ns > ends.mono_ns or inputs.start_mono_ns = ends.mono_ns
    group by ends.drive_id, ends.mono_ns
),

reengaged as (
    select
        ended.drive_id,
        ended.engagement_num,
        (min(following.start_mono_ns) - any_value(ended.end_mono_ns)) / 1e9 as off_s
    from result.engagements as ended
    inner join result.engagements as following
        on
            ended.drive_id = following.drive_id
            and ended.engagement_num < following.engagement_num
            and (following.mode = 'engaged' or ended.mode = 'lateral_only')
    group by ended.drive_id, ended.engagement_num
),

final as (
    select
        ends.drive_id,
        ends.kind,
        ends.mono_ns,
        (inputs.input_mono_ns - ends.mono_ns) / 1e9 as time_to_input_s,
        case when reengaged.off_s <= ended.off_s + 1e-9 then reengaged.off_s end
            as time_to_reengage_s
    from ends
    inner join result.engagements as ended
        on ends.drive_id = ended.drive_id and ends.engagement_num = ended.engagement_num
    left join inputs
        on ends.drive_id = inputs.drive_id and ends.mono_ns = inputs.mono_ns
    left join reengaged
        on
            ends.drive_id = reengaged.drive_id
            and ends.engagement_num = reengaged.engagement_num
)

select * from final;
