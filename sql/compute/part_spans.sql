-- Runs of one mode in one part of a drive, which has one model, way of driving, hour and light.
--
-- grain:   one row per (drive_id, start_mono_ns)
-- null:    never; what the logs don't say is unknown
-- why:     a mode's run is cut at each minute of the clock, of which one is the hour's first and
--          about one is the night's; what stays the same is put together again. The sun is looked up
--          where the drive was in that minute, or nearest before, else at its first fix
create or replace view compute.part_spans as
with

clocks as (
    select
        facts.drive_id,
        facts.first_mono_ns,
        facts.last_mono_ns,
        epoch_us(identity.started_at_utc)::bigint - facts.first_mono_ns // 1000 as utc_offset_us,
        coalesce(epoch_us(identity.started_at_local), 0)::bigint - facts.first_mono_ns // 1000
            as local_offset_us,
        (identity.started_at_local is not null) as has_local_time
    from result.drive_facts as facts
    left join result.drive_identity as identity on facts.drive_id = identity.drive_id
    where facts.first_mono_ns < facts.last_mono_ns
),

places as (
    select
        drive_id,
        mono_ns // 60000000000 as minute,
        arg_min(latitude, mono_ns) as latitude,
        arg_min(longitude, mono_ns) as longitude
    from staging.fixes
    group by drive_id, mono_ns // 60000000000
),

first_places as (
    select
        drive_id,
        arg_min(latitude, minute) as latitude,
        arg_min(longitude, minute) as longitude
    from places
    group by drive_id
),

minutes as (
    select
        states.drive_id,
        states.start_mono_ns,
        states.end_mono_ns,
        states.mode,
        states.longitudinal_active,
        clocks.local_offset_us,
        clocks.utc_offset_us,
        clocks.has_local_time,
        unnest(
            case
                when states.mode = 'unknown'
                    then [(states.start_mono_ns // 1000 + clocks.local_offset_us) // 60000000]
                else
                    range(
                        (states.start_mono_ns // 1000 + clocks.local_offset_us) // 60000000,
                        (states.end_mono_ns // 1000 + clocks.local_offset_us) // 60000000 + 1
                    )
            end
        ) as local_minute
    from result.state_intervals as states
    inner join clocks on states.drive_id = clocks.drive_id
),

pieces as (
    select
        drive_id,
        end_mono_ns,
        greatest(start_mono_ns, (local_minute * 60000000 - local_offset_us) * 1000) as mono_ns,
        mode,
        longitudinal_active,
        utc_offset_us,
        case when has_local_time then printf('%02d', (local_minute // 60) % 24) end as hour
    from minutes
),

lit as (
    select
        pieces.*,
        sun_height_deg(
            coalesce(places.latitude, first_places.latitude),
            coalesce(places.longitude, first_places.longitude),
            (pieces.mono_ns // 1000 + pieces.utc_offset_us) / 1e6
        ) as sun_height_deg
    from pieces
    asof left join places
        on
            pieces.drive_id = places.drive_id
            and pieces.mono_ns // 60000000000 >= places.minute
    left join first_places on pieces.drive_id = first_places.drive_id
    where pieces.mono_ns < pieces.end_mono_ns
),

edges as (
    select
        drive_id,
        mono_ns,
        mode,
        coalesce(longitudinal_active::int, 2) as longitudinal_code,
        coalesce(hour, 'unknown') as hour,
        case
            when sun_height_deg < -(select night_min_deg from result.thresholds) then 'night'
            when sun_height_deg is not null then 'day'
            else 'unknown'
        end as night,
        null::varchar as experimental,
        null::varchar as personality,
        null::varchar as model,
        null::boolean as is_big
    from lit
    union all by name
    select
        drive_id,
        mono_ns,
        case when is_experimental_mode then 'experimental' when not is_experimental_mode then 'chill' end
            as experimental,
        personality
    from staging.driving_styles
    union all by name
    select
        drive_id,
        mono_ns,
        model,
        is_big
    from staging.driving_models
),

moments as (
    select
        drive_id,
        mono_ns,
        max(mode) as mode,
        max(longitudinal_code) as longitudinal_code,
        max(hour) as hour,
        max(night) as night,
        max(experimental) as experimental,
        max(personality) as personality,
        max(model) as model,
        bool_or(is_big) as is_big
    from edges
    group by drive_id, mono_ns
),

filled as (
    select
        drive_id,
        mono_ns,
        last_value(mode ignore nulls) over until_now as mode,
        last_value(longitudinal_code ignore nulls) over until_now as longitudinal_code,
        last_value(hour ignore nulls) over until_now as hour,
        last_value(night ignore nulls) over until_now as night,
        coalesce(
            last_value(experimental ignore nulls) over until_now,
            first_value(experimental ignore nulls) over whole,
            'unknown'
        ) as experimental,
        coalesce(
            last_value(personality ignore nulls) over until_now,
            first_value(personality ignore nulls) over whole,
            'unknown'
        ) as personality,
        coalesce(
            last_value(model ignore nulls) over until_now,
            first_value(model ignore nulls) over whole,
            'unknown'
        )
        || case when last_value(is_big ignore nulls) over until_now then ' big' else '' end
            as model
    from moments
    window
        until_now as (
            partition by drive_id order by mono_ns rows between unbounded preceding and current row
        ),
        whole as (
            partition by drive_id order by mono_ns
            rows between unbounded preceding and unbounded following
        )
),

runs as (
    select
        filled.*,
        clocks.last_mono_ns,
        (filled.mode, filled.longitudinal_code, filled.hour, filled.night, filled.experimental, filled.personality, filled.model)
            as key,
        lag(
            (filled.mode, filled.longitudinal_code, filled.hour, filled.night, filled.experimental, filled.personality, filled.model)
        ) over (partition by filled.drive_id order by filled.mono_ns) as previous_key
    from filled
    inner join clocks on filled.drive_id = clocks.drive_id
    where filled.mode is not null and filled.mono_ns < clocks.last_mono_ns
),

final as (
    select
        drive_id,
        mono_ns as start_mono_ns,
        coalesce(lead(mono_ns) over (partition by drive_id order by mono_ns), last_mono_ns)
            as end_mono_ns,
        mode,
        case longitudinal_code when 1 then true when 0 then false end as longitudinal_active,
        dense_rank() over (
            partition by drive_id order by model, experimental, personality, hour, night
        )::integer as part_num,
        model,
        experimental,
        personality,
        hour,
        night
    from runs
    where key is distinct from previous_key
)

select * from final;
