-- Which driving model drives from which moment on, as far as the software says.
--
-- grain:   one row per (drive_id, mono_ns)
-- null:    model in a segment without initData
-- why:     no message carries a model's name: forks that let the driver choose log the choice as
--          params, once a segment; without a choice the commit has its own model; unknown is a choice
--          at random that is not logged
create or replace view staging.driving_models as
with

params as (
    select
        drive_id,
        segment_num,
        max(value) filter (where name = 'ModelManager_ActiveBundle') as bundle,
        max(value) filter (where name = 'CustomDrivingModel') as is_custom,
        nullif(max(value) filter (where name = 'DrivingModelName'), '') as driving_model_name,
        nullif(max(value) filter (where name = 'DrivingModelGeneration'), '') as generation,
        nullif(max(value) filter (where name = 'DrivingModelVersion'), '') as driving_version,
        nullif(max(value) filter (where name = 'Model'), '') as model_key,
        nullif(max(value) filter (where name = 'ModelName'), '') as model_name,
        nullif(max(value) filter (where name = 'ModelVersion'), '') as model_version,
        nullif(max(value) filter (where name = 'DrivingModel'), '') as driving_key,
        nullif(max(value) filter (where name = 'RandomizedModel'), '') as randomized,
        max(value) filter (where name = 'ModelRandomizer') as randomizer
    from log.param
    where
        name in (
            'ModelManager_ActiveBundle', 'CustomDrivingModel', 'DrivingModelName',
            'DrivingModelGeneration', 'DrivingModelVersion', 'Model', 'ModelName', 'ModelVersion',
            'DrivingModel', 'RandomizedModel', 'ModelRandomizer'
        )
    group by drive_id, segment_num
),

software as (
    select
        drive_id,
        segment_num,
        any_value(git_commit) filter (where not coalesce(is_dirty, false)) as git_commit
    from log.init_data
    group by drive_id, segment_num
),

bundled as (
    select
        software.drive_id,
        software.segment_num,
        software.git_commit,
        params.* exclude (drive_id, segment_num),
        case when params.bundle like '{%' then try_cast(params.bundle as json) end as choice
    from software
    left join params
        on software.drive_id = params.drive_id and software.segment_num = params.segment_num
),

named as (
    select
        drive_id,
        segment_num,
        case
            when nullif(bundle, '') is not null
                then
                    coalesce(
                        choice ->> 'displayName', choice ->> 'internalName', choice ->> 'ref'
                    )
            when is_custom = '1' then driving_model_name
            when is_custom is not null then 'built in'
            when randomizer = '1' or randomized is not null then randomized
            when driving_model_name is not null then regexp_replace(driving_model_name, ' \(Installing\.\.\.\)$', '')
            when coalesce(model_name, model_key, driving_key) is not null
                then
                    regexp_replace(
                        coalesce(model_name, driving_key, model_key), '( \(Default\)|_default)$', ''
                    )
            else 'built in'
        end as name,
        case
            when nullif(bundle, '') is not null
                then left(coalesce(choice ->> 'ref', choice ->> 'internalName'), 8)
            when is_custom = '1' then generation
            when coalesce(randomizer, '0') <> '1' and randomized is null
                then coalesce(driving_version, model_version)
        end as revision,
        git_commit
    from bundled
),

said as (
    select
        drive_id,
        segment_num,
        case
            when name is null then 'unknown'
            when name = 'built in' then name || coalesce(' ' || left(git_commit, 8), '')
            when revision is null or revision = name then name
            else name || ' ' || revision
        end as model
    from named
),

bigs as (
    select drive_id, segment_num, mono_ns, bool_or(is_big) as is_big
    from log.driving_model
    group by drive_id, segment_num, mono_ns
),

starts as (
    select
        segment.drive_id,
        segment.start_mono_ns as mono_ns,
        said.model,
        coalesce(arg_min(bigs.is_big, bigs.mono_ns), false) as is_big
    from log.segment
    left join said
        on segment.drive_id = said.drive_id and segment.segment_num = said.segment_num
    left join bigs
        on segment.drive_id = bigs.drive_id and segment.segment_num = bigs.segment_num
    where segment.start_mono_ns is not null
    group by segment.drive_id, segment.segment_num, segment.start_mono_ns, said.model
),

final as (
    select drive_id, mono_ns, max(model) as model, bool_or(is_big) as is_big
    from (
        select * from starts
        union all
        select drive_id, mono_ns, null as model, is_big from bigs
    ) as edges
    group by drive_id, mono_ns
)

select * from final;
