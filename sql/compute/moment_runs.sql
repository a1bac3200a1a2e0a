-- Moments of the expressions that somebody saved, as `engagement find` finds them.
--
-- grain:   one row per (drive_id, kind, mono_ns)
-- null:    never
-- why:     store/saved_moments.py makes the rows of the expressions; here stands what they are, and
--          what has to be there before them
create or replace view compute.moment_runs as
with

final as (
    select
        intervals.drive_id,
        'moment:' as kind,
        intervals.start_mono_ns as mono_ns,
        intervals.end_mono_ns,
        intervals.mode
    from result.state_intervals as intervals
    inner join result.overrides as overrides on intervals.drive_id = overrides.drive_id
    inner join result.drive_identity as identity on intervals.drive_id = identity.drive_id
    inner join result.part_spans as spans on intervals.drive_id = spans.drive_id
    where false
)

select * from final;
