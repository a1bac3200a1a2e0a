"""Labels that people give to events: one label per event, written into the next generation.

A label is stored under the name of its event, and stays if the event disappears; the view
`event_labels` says which event has it now. A new label of an event replaces the old one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from engagement.errors import NotFoundError, StoreMissingError
from engagement.store.copies import refresh_all, settle_labels
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.devices import other_names
from engagement.store.event_names import find_events
from engagement.store.label_words import check_note, check_word
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    import duckdb

_LABELS = """
select
    dongle_id, drive, kind, labelled_mono_ns, label, note, labelled_at_utc, mono_ns, event_kind,
    event_id
from event_labels
"""
# The event that each of `named_label` belongs to, where there is one, by its time.
_NEAREST = """
select
    named.dongle_id,
    named.drive,
    named.kind,
    named.mono_ns,
    arg_min(
        events.mono_ns,
        (label_distance_ns(named.mono_ns, events.mono_ns), events.mono_ns)
    ) as event_ns
from named_label as named
inner join log.drive on named.dongle_id = drive.dongle_id and named.drive = drive.drive
inner join result.events as events
    on drive.drive_id = events.drive_id and named.kind = events.kind
where label_distance_ns(named.mono_ns, events.mono_ns) is not null
group by all
"""
_FIELDS: list[tuple[str, pa.DataType]] = [
    ("dongle_id", pa.string()),
    ("drive", pa.string()),
    ("kind", pa.string()),
    ("mono_ns", pa.int64()),
    ("label", pa.string()),
    ("note", pa.string()),
    ("labelled_at_utc", pa.timestamp("us")),
]


class Key(NamedTuple):
    """The name of an event, also of one that no longer exists."""

    dongle_id: str
    drive: str
    kind: str
    mono_ns: int


@dataclass(frozen=True, slots=True)
class Label:
    """A label of an event, and when it was given; None for now."""

    event: Key
    label: str
    note: str | None = None
    labelled_at_utc: datetime | None = None

    def says(self, other: Label) -> bool:
        """Whether both say the same; the times may differ."""
        return (self.event, self.label, self.note) == (other.event, other.label, other.note)


@dataclass(frozen=True, slots=True)
class LabelReport:
    """The result of adding or removing labels.

    Attributes:
        n_written: New ones, and those that replaced another.
        n_replaced: Of these the ones that replaced another.
        n_unchanged: There already.
        n_older: Not written, as the event has a newer one.
        n_without_event: Of the events named, those that are not there: not yet, or no longer.
        n_removed: Removed.
    """

    n_written: int = 0
    n_replaced: int = 0
    n_unchanged: int = 0
    n_older: int = 0
    n_without_event: int = 0
    n_removed: int = 0


def label_events(
    database: Path,
    names: Sequence[str],
    word: str,
    note: str | None = None,
    *,
    is_new: bool = False,
) -> LabelReport:
    """Label events, all or none of them.

    Args:
        database: The database file.
        names: As `find_events` takes them.
        word: The label.
        note: A remark; None keeps the note that is there, an empty one removes it.
        is_new: Whether an unknown label is allowed even if it is similar to a known one.

    Raises:
        NotFoundError: If there is no such event.
        InputError: If several events have a name, or the label is no word.
        StoreError: If the database can't be written.
    """
    _refuse_missing(database)
    with writer_lock(database):
        with Reader(database) as reader:
            in_use = reader.rows("select distinct label from store.event_label")
            checked = check_word(word, [row["label"] for row in in_use], is_new=is_new)
            rows = find_events(reader, names)
        wanted = [
            Label(_key(row), checked, row["note"] if note is None else check_note(note))
            for row in rows
        ]
        return _write(database, wanted)


def bring_labels(database: Path, labels: Sequence[Label]) -> LabelReport:
    """Add labels from elsewhere; of two labels of an event the newer one stays.

    Their events need not exist yet: they get their labels when their drive is ingested.

    Raises:
        StoreError: If the database can't be written.
    """
    _refuse_missing(database)
    with writer_lock(database):
        return _write(database, labels)


def remove_labels(database: Path, names: Sequence[str]) -> LabelReport:
    """Remove labels, all or none of them.

    Args:
        database: The database file.
        names: Of events, as `find_events` takes them; of an event that is no more, as it was when
            it was labelled, in full.

    Raises:
        NotFoundError: If there is no such event, or it has no label.
        InputError: If several events go by a name.
        StoreError: If the database can't be written.
    """
    _refuse_missing(database)
    with writer_lock(database):
        with Reader(database) as reader:
            known = reader.rows(_LABELS)
            keys = {_labelled(reader, known, name) for name in names}
        with Writer(database) as writer:
            _bring_up_to_date(writer)
            _replace(writer.connection, keys, [])
            # Of a note that somebody takes back, nothing may stay in the file.
            noted = {_key(row, "labelled_mono_ns") for row in known if row["note"]}
            writer.publish(complete=bool(keys & noted))
    return LabelReport(n_removed=len(keys))


def _refuse_missing(database: Path) -> None:
    if not database.exists():
        raise StoreMissingError(database)


def _bring_up_to_date(writer: Writer) -> None:
    if writer.is_outdated:
        refresh_all(writer.connection)


def _key(row: Mapping[str, Any], time: str = "mono_ns") -> Key:
    return Key(row["dongle_id"], row["drive"], row["kind"], row[time])


def _labelled(reader: Reader, known: Sequence[Mapping[str, Any]], name: str) -> Key:
    """The key of the label of this name."""
    keys = {"|".join(map(str, _key(row, "labelled_mono_ns"))): row for row in known}
    row = keys.get(name.replace("/", "|"))
    if row is None:
        [event] = find_events(reader, [name])
        row = next((row for row in known if row["event_id"] == event["event_id"]), None)
    if row is None:
        raise NotFoundError("label of", name)
    return _key(row, "labelled_mono_ns")


def _write(database: Path, labels: Sequence[Label]) -> LabelReport:
    """Write labels, the oldest first; nothing is published if nothing changes."""
    now = datetime.now(UTC).replace(tzinfo=None)
    with Writer(database) as writer:
        _bring_up_to_date(writer)
        labels = _of_full_names(writer.connection, labels)
        book = _Book(writer.connection, [label.event for label in labels])
        for label in sorted(labels, key=lambda one: one.labelled_at_utc or now):
            book.add(label, now)
        has_changed = bool(book.written) or writer.is_outdated
        if has_changed:
            _replace(writer.connection, book.removed, book.written.values())
            settle_labels(writer.connection)
        n_without_event = _count_without_event(writer.connection, book.unplaced)
        if has_changed:
            writer.publish(complete=book.takes_note_back)
    return replace(book.report(), n_without_event=n_without_event)


class _Book:
    """The labels of a database, and the changes to make.

    Labels that are added together never replace each other because they lie near one event: they
    were of several, which the view tells apart once all are there.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, named: Sequence[Key]) -> None:
        self._labels: dict[Key, Label] = {}
        self._key_by_event: dict[Key, Key] = {}
        for row in connection.execute(_LABELS).fetchall():
            label, event_ns, kind = Label(Key(*row[:4]), *row[4:7]), row[7], row[8]
            self._labels[label.event] = label
            if event_ns is not None:
                event = label.event._replace(kind=kind, mono_ns=event_ns)
                self._key_by_event[event] = label.event
        self._nearest = _nearest_events(connection, named)
        self.written: dict[Key, Label] = {}
        self.removed: set[Key] = set()
        self.unplaced: set[Key] = set()  # there is no event of that kind
        self.takes_note_back = False  # then nothing of it may stay in the file
        self._counts = dict.fromkeys(LabelReport.__slots__, 0)

    def add(self, label: Label, now: datetime) -> None:
        """Replace the label of an event, unless that one is newer."""
        event = self._nearest.get(label.event)
        known = self._key_by_event.get(event) if event else None
        rivals = {label.event, known or label.event} & self._labels.keys()
        if event is None:
            self.unplaced.add(label.event)
        stays = [self._labels[key] for key in rivals]
        if any(label.says(rival) for rival in stays):
            self._counts["n_unchanged"] += 1
            return
        at = label.labelled_at_utc or now
        if any((rival.labelled_at_utc or now) > at for rival in stays):
            self._counts["n_older"] += 1
            return
        for key in rivals:
            del self._labels[key]
            self.written.pop(key, None)
        self.removed |= rivals
        self.takes_note_back |= any(rival.note not in (None, label.note) for rival in stays)
        self._labels[label.event] = self.written[label.event] = replace(label, labelled_at_utc=at)
        self._counts["n_replaced"] += bool(rivals)
        self._counts["n_written"] += 1

    def report(self) -> LabelReport:
        """The result so far."""
        return LabelReport(**self._counts)


def _of_full_names(connection: duckdb.DuckDBPyConnection, labels: Sequence[Label]) -> list[Label]:
    """Labels with the names that devices have here, of which they have a short or an old one."""
    full = other_names(connection, {label.event.dongle_id for label in labels})
    return [
        replace(label, event=label.event._replace(dongle_id=full[label.event.dongle_id]))
        if label.event.dongle_id in full
        else label
        for label in labels
    ]


def _count_without_event(connection: duckdb.DuckDBPyConnection, keys: Iterable[Key]) -> int:
    """How many of some labels belong to no event, not to one of another kind either."""
    known = {Key(*row[:4]): row[7] for row in connection.execute(_LABELS).fetchall()}
    return sum(key in known and known[key] is None for key in keys)


def _nearest_events(connection: duckdb.DuckDBPyConnection, named: Sequence[Key]) -> dict[Key, Key]:
    """The event that a label of each name belongs to, by that name."""
    rows = [key._asdict() for key in named]
    connection.register("named_label", pa.Table.from_pylist(rows, pa.schema(_FIELDS)))
    found = connection.execute(_NEAREST).fetchall()
    connection.unregister("named_label")
    return {Key(*name): Key(*name)._replace(mono_ns=event_ns) for *name, event_ns in found}


def _replace(
    connection: duckdb.DuckDBPyConnection, removed: Iterable[Key], written: Iterable[Label]
) -> None:
    """Remove some labels and write others, in one transaction."""
    rows = [
        label.event._asdict()
        | {"label": label.label, "note": label.note, "labelled_at_utc": label.labelled_at_utc}
        for label in written
    ]
    keys = [key._asdict() for key in removed]
    connection.register("written_label", pa.Table.from_pylist(rows, pa.schema(_FIELDS)))
    connection.register("removed_label", pa.Table.from_pylist(keys, pa.schema(_FIELDS)))
    connection.execute("begin")
    connection.execute(
        "delete from store.event_label using removed_label as removed"
        " where event_label.dongle_id = removed.dongle_id and event_label.drive = removed.drive"
        " and event_label.kind = removed.kind and event_label.mono_ns = removed.mono_ns"
    )
    connection.execute("insert into store.event_label by name select * from written_label")
    connection.execute("commit")
    connection.unregister("removed_label")
    connection.unregister("written_label")
