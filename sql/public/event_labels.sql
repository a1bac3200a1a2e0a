-- What people said of events, also of those that are no more.
--
-- grain:   one row per (dongle_id, drive, kind, labelled_mono_ns)
-- null:    the event's columns where no event is there now; a note that nobody wrote
-- why:     an event may move a little when its qlog becomes an rlog or thresholds change: a label
--          belongs to the nearest event of its kind in its drive, and an event has the nearest
--          label, of two as near the newer one. Where no event of its kind is near, as definitions
--          have another name for the moment, it belongs to an event of another kind within a second
--          that has no label of its own; but for the label false, as what was no override may well
--          be a disengagement
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

own as (
    select
        drive_id,
        kind,
        labelled_mono_ns,
        kind as event_kind,
        mono_ns
    from pairs
    qualify
        row_number() over (
            partition by drive_id, kind, labelled_mono_ns order by distance_ns, mono_ns
        ) = 1
        and row_number() over (
            partition by drive_id, kind, mono_ns
            order by distance_ns asc, labelled_at_utc desc, labelled_mono_ns asc
        ) = 1
),

renamed as (
    select
        labels.drive_id,
        labels.kind,
        labels.labelled_mono_ns,
        events.kind as event_kind,
        events.mono_ns
    from labels
    left join pairs
        on
            labels.drive_id = pairs.drive_id
            and labels.kind = pairs.kind
            and labels.labelled_mono_ns = pairs.labelled_mono_ns
    inner join result.events as events
        on
            labels.drive_id = events.drive_id
            and labels.kind <> events.kind
            and not is_saved_moment(labels.kind)
            and not is_saved_moment(events.kind)
            and abs(events.mono_ns - labels.labelled_mono_ns) <= 1000000000
    left join own
        on
            events.drive_id = own.drive_id
            and events.kind = own.event_kind
            and events.mono_ns = own.mono_ns
    where pairs.drive_id is null and own.drive_id is null and labels.label <> 'false'
    qualify
        row_number() over (
            partition by labels.drive_id, labels.kind, labels.labelled_mono_ns
            order by abs(events.mono_ns - labels.labelled_mono_ns), events.mono_ns, events.kind
        ) = 1
        and row_number() over (
            partition by events.drive_id, events.kind, events.mono_ns
            order by
                abs(events.mono_ns - labels.labelled_mono_ns) asc,
                labels.labelled_at_utc desc,
                labels.labelled_mono_ns asc,
                labels.kind asc
        ) = 1
),

matched as (
    select * from own
    union all
    select * from renamed
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
            when matched.mono_ns is not null
                then
                    concat_ws(
                        '|',
                        labels.dongle_id,
                        labels.drive,
                        matched.event_kind,
                        matched.mono_ns::varchar
                    )
        end as event_id,
        matched.event_kind,
        matched.mono_ns,
        (matched.mono_ns - facts.first_mono_ns) / 1e9 as time_s
    from labels
    left join matched
        on
            labels.drive_id = matched.drive_id
            and labels.kind = matched.kind
            and labels.labelled_mono_ns = matched.labelled_mono_ns
    left join result.drive_facts as facts on matched.drive_id = facts.drive_id
)

select * from final;
comment on column event_labels.dongle_id is 'the device';
comment on column event_labels.drive is 'name of the drive, its log id';
comment on column event_labels.drive_id is 'number of the drive in this database; null without it';
comment on column event_labels.kind is 'kind of the event when it was labelled: disengagement, lateral_override or longitudinal_override';
comment on column event_labels.labelled_mono_ns is 'logMonoTime of the event when it was labelled';
comment on column event_labels.label is 'what it was: true, false, critical, planned, or any other word';
comment on column event_labels.note is 'what else was said of it';
comment on column event_labels.labelled_at_utc is 'when that was said';
comment on column event_labels.event_id is 'the event that has the label now, as in events; null where none is there';
comment on column event_labels.event_kind is 'kind of that event now';
comment on column event_labels.mono_ns is 'logMonoTime of that event';
comment on column event_labels.time_s is 'its seconds from the first sample of the drive';
