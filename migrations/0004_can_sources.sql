-- Where the samples of can_signal were read: each signal of each key in a log, with the bus.

-- entry_num counts the signals of a key that is a bit mask; n_samples is how often the key was
-- received on that bus, also where can_signal keeps fewer rows of it.
create table can_source (
    drive_id integer not null,
    segment_num integer not null,
    signal_key varchar not null,
    entry_num smallint not null,
    message varchar not null,
    signal varchar not null,
    bus utinyint not null,
    n_samples bigint not null
);
