-- Expressions that somebody saved under a name, whose moments are counted from then on.

create table store.saved_moment (
    name varchar not null,
    expression varchar not null,
    saved_at_utc timestamp not null
);
