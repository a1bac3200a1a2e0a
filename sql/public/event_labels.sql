-- What people said of events, also of those that are no more.
--
-- grain:   one row per (dongle_id, drive, kind, labelled_mono_ns)
-- null:    the event's columns where no event is there now; a note that nobody wrote
-- why:     an event may move a little when its qlog becomes an rlog or thresholds change: a label
--          belongs to the nearest event of its kind in its drive, and an event has the nearest
--          label, of two as near the newer one
create or replace view event_labels as
with

labels as (
    select
        event_label.dongle_id,
        event_label.drive,
        drive.drive_id,
        event_label.kind,
        event_label.mono_ns as labelled_mono_ns,
        event_label.label,
        event_label.note,
        event_label.labelled_at_utc
    from store.event_label
    left join log.drive
        on event_label.dongle_id = drive.dongle_id and event_label.drive = drive.drive
),

pairs as (
    select
        labels.drive_id,
        labels.kind,
        labels.labelled_mono_ns,
        labels.labelled_at_utc,
        events.mono_ns,
        label_distance_ns(labels.labelled_mono_ns, events.mono_ns) as distance_ns
    from labels
    inner join result.events as events
        on labels.drive_id = events.drive_id and labels.kind = events.kind
    where label_distance_ns(labels.labelled_mono_ns, events.mono_ns) is not null
),

ranked as (
    select
        *,
        row_number() over (
            partition by drive_id, kind, labelled_mono_ns order by distance_ns, mono_ns
        ) as event_rank,
        row_number() over (
            partition by drive_id, kind, mono_ns
            order by distance_ns asc, labelled_at_utc desc, labelled_mono_ns asc
        ) as label_rank
    from pairs
),

final as (
    select
        labels.dongle_id,
        labels.drive,
        labels.drive_id,
        labels.kind,
        labels.labelled_mono_ns,
        labels.label,
        labels.note,
        labels.labelled_at_utc,
        case
            when ranked.mono_ns is not null
                then
                    concat_ws(
                        '|', labels.dongle_id, labels.drive, labels.kind, ranked.mono_ns::varchar
                    )
        end as event_id,
        ranked.mono_ns,
        (ranked.mono_ns - facts.first_mono_ns) / 1e9 as time_s
    from labels
    left join ranked
        on
            labels.drive_id = ranked.drive_id
            and labels.kind = ranked.kind
            and labels.labelled_mono_ns = ranked.labelled_mono_ns
            and ranked.event_rank = 1
            and ranked.label_rank = 1
    left join result.drive_facts as facts on ranked.drive_id = facts.drive_id
)

select * from final;
comment on column event_labels.dongle_id is 'the device';
comment on column event_labels.drive is 'name of the drive, its log id';
comment on column event_labels.drive_id is 'number of the drive in this database; null without it';
comment on column event_labels.kind is 'kind of the event: disengagement, lateral_override or longitudinal_override';
comment on column event_labels.labelled_mono_ns is 'logMonoTime of the event when it was labelled';
comment on column event_labels.label is 'what it was: true, false, critical, planned, or any other word';
comment on column event_labels.note is 'what else was said of it';
comment on column event_labels.labelled_at_utc is 'when that was said';
comment on column event_labels.event_id is 'the event that has the label now, as in events; null where none is there';
comment on column event_labels.mono_ns is 'logMonoTime of that event';
comment on column event_labels.time_s is 'its seconds from the first sample of the drive';
