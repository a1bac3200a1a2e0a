-- Moments that somebody described and saved: each is an event from then on.
--
-- grain:   one row per name
-- null:    never
create or replace view saved_moments as
with

final as (
    select
        name,
        'moment:' || name as event,
        expression,
        saved_at_utc
    from store.saved_moment
)

select * from final;
comment on column saved_moments.name is 'what it was called';
comment on column saved_moments.event is 'the event, as in event_counts and rates, and the kind in events: moment:NAME';
comment on column saved_moments.expression is 'what was described, as engagement find takes it; of one that ships its name, and what ships now counts';
comment on column saved_moments.saved_at_utc is 'when it was saved';
