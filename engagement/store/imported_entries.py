"""Imports entries of the old system's files; a drive's entry counts until its logs are ingested.

A drive's entry is kept whole, as JSON; the views hide it as soon as a log of the drive is ingested.
Importing again what is there changes nothing, and publishes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from engagement.names import full_dongle_ids
from engagement.store.copies import refresh_all
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.device_aliases import read_aliases
from engagement.store.devices import join_other_names
from engagement.store.results import refresh_in_groups

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb


class OldDrive(NamedTuple):
    """An entry of an engagement_db.json; `entry` is its JSON."""

    dongle_id: str
    drive: str
    entry: str
    source_path: str


class OldEvent(NamedTuple):
    """An entry of a debug_events.json."""

    drive: str
    rlog_path: str
    event_type: str
    time_in_segment_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """What an import found; `superseded` entries are stored, but hidden by the drive's logs."""

    n_drives_written: int
    n_drives_superseded: int
    n_events_written: int
    n_events_superseded: int


def import_entries(
    database: Path, drives: Iterable[OldDrive], events: Iterable[OldEvent]
) -> ImportCounts:
    """Add entries to the database; a new entry replaces the one that its drive has.

    Args:
        database: The database file; made where there is none.
        drives: Each drive of a device once.
        events: Each once.

    Raises:
        StoreError: If the database can't be written.
    """
    with writer_lock(database), Writer(database) as writer:
        connection = writer.connection
        # The writer has replaced views of another version: their results must be computed again.
        if writer.is_outdated:
            refresh_all(connection)
        drives = _under_full_names(connection, drives)
        connection.register("old_drive", _table(drives, OldDrive))
        connection.register("old_event", _table(events, OldEvent))
        connection.execute("begin")
        n_drives = _write_drives(connection)
        n_events = _write_events(connection)
        connection.execute("commit")
        counts = ImportCounts(
            n_drives, _superseded_drives(connection), n_events, _superseded_events(connection)
        )
        connection.unregister("old_drive")
        connection.unregister("old_event")
        joined = join_other_names(connection)
        refresh_in_groups(connection, joined)
        if n_drives or n_events or joined or writer.is_outdated:
            writer.publish()
    return counts


def _under_full_names(
    connection: duckdb.DuckDBPyConnection, drives: Iterable[OldDrive]
) -> list[OldDrive]:
    """Entries under the dongle ids that their devices have here, where these are known.

    Of two entries that become one the later one counts.
    """
    drives = list(drives)
    stored = connection.execute("select distinct dongle_id from log.drive").fetchall()
    names = {name for (name,) in stored} | {old.dongle_id for old in drives}
    full_ids = full_dongle_ids(names, read_aliases(connection))
    named = [old._replace(dongle_id=full_ids.get(old.dongle_id, old.dongle_id)) for old in drives]
    return list({(old.dongle_id, old.drive): old for old in named}.values())


def _table(rows: Iterable[OldDrive | OldEvent], kind: type[OldDrive | OldEvent]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(kind._fields)
    types = [pa.float64() if name.endswith("_s") else pa.string() for name in kind._fields]
    arrays = [pa.array(column, of) for column, of in zip(columns, types, strict=True)]
    return pa.table(arrays, names=list(kind._fields))


def _write_drives(connection: duckdb.DuckDBPyConnection) -> int:
    """Write the entries that are new or differ, and say how many."""
    connection.execute(
        "insert into log.drive select"
        " (select coalesce(max(drive_id), 0) from log.drive) + row_number() over (), "
        " dongle_id, drive, 'offline'"
        " from old_drive anti join log.drive using (dongle_id, drive)"
    )
    connection.execute(
        "create temp table changed_entry as"
        " select drive.drive_id, old_drive.entry, old_drive.source_path"
        " from old_drive inner join log.drive using (dongle_id, drive)"
        " left join store.imported_drive as known using (drive_id)"
        " where old_drive.entry is distinct from known.entry"
    )
    connection.execute(
        "delete from store.imported_drive where drive_id in (select drive_id from changed_entry)"
    )
    connection.execute(
        "insert into store.imported_drive select *, now() at time zone 'utc' from changed_entry"
    )
    n_written = _count(connection, "changed_entry")
    connection.execute("drop table changed_entry")
    return n_written


def _write_events(connection: duckdb.DuckDBPyConnection) -> int:
    """Write the events that are new, in their order, and say how many."""
    n_before = _count(connection, "store.imported_debug_event")
    connection.execute(
        "insert into store.imported_debug_event select old_event.* from old_event"
        " anti join store.imported_debug_event"
        " using (drive, rlog_path, event_type, time_in_segment_s, reason)"
    )
    return _count(connection, "store.imported_debug_event") - n_before


def _superseded_drives(connection: duckdb.DuckDBPyConnection) -> int:
    return _count(
        connection,
        "old_drive inner join log.drive using (dongle_id, drive)"
        " anti join staging.imported_drives using (drive_id)",
    )


def _superseded_events(connection: duckdb.DuckDBPyConnection) -> int:
    return _count(
        connection,
        "old_event anti join (select * from legacy_debug_events where is_imported)"
        " using (drive, rlog_path, event_type, time_in_segment_s, reason)",
    )


def _count(connection: duckdb.DuckDBPyConnection, rows: str) -> int:
    return int(connection.execute(f"select count(*) from {rows}").fetchall()[0][0])
