"""Devices under two names: the old system called them by 8 of the 16 digits of their dongle id.

It took the last 8, and some folders have the first 8. A short name is the device whose id ends with
it, else the one whose id starts with it, where there is exactly one such: by chance that happens to
one in millions of pairs. What else belongs together, somebody has to say: `join_devices`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.errors import InputError, NotFoundError
from engagement.names import full_dongle_ids
from engagement.store.copies import refresh_all, settle_copies
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.given_names import move_name
from engagement.store.results import refresh_in_groups
from engagement.store.segments import log_tables

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

# Of a segment that both have, the better log is kept, as in an ingest: see `segments.rank`.
_RANKED = """
select
    segment_num,
    abs(drive_id) = $old as is_old,
    row_number() over (
        partition by segment_num
        order by
            status <> 'failed' desc, log_kind = 'rlog' desc, status = 'ok' desc, n_messages desc,
            abs(drive_id) = $new desc
    ) > 1 as is_worse
from log.segment
where abs(drive_id) in ($old, $new)
"""


def join_short_names(connection: duckdb.DuckDBPyConnection) -> set[int]:
    """Join each device that has a short name with its full one, where that is certain.

    Returns:
        The drives whose results that changes.
    """
    touched: set[int] = set()
    for short, full in short_names(connection).items():
        touched |= join(connection, short, full)
    return touched


def short_names(
    connection: duckdb.DuckDBPyConnection, others: Iterable[str] = ()
) -> dict[str, str]:
    """The short names of drives and labels, and others, each with the device's full one.

    A device that no drive is of is none.
    """
    named = connection.execute("select distinct dongle_id from log.drive").fetchall()
    labelled = connection.execute("select distinct dongle_id from store.event_label").fetchall()
    known = {name for (name,) in named}
    found = full_dongle_ids(known.union(others, (name for (name,) in labelled)))
    return {short: full for short, full in found.items() if full in known}


def join_devices(database: Path, old: str, new: str) -> int:
    """Make the drives of a device those of another one, and say how many they were.

    Raises:
        NotFoundError: If there is no device of the old name.
        InputError: If both names are one.
        StoreError: If the database can't be written.
    """
    if old == new:
        raise InputError(f"{old!r} is the name of one device; name the old one and the new one")
    with writer_lock(database), Writer(database) as writer:
        connection = writer.connection
        if writer.is_outdated:
            refresh_all(connection)
        known = [
            name
            for (name,) in connection.execute("select distinct dongle_id from log.drive").fetchall()
        ]
        if old not in known:
            raise NotFoundError("device", old, known)
        before = connection.execute(
            "select count(*) from log.drive where dongle_id = ?", [old]
        ).fetchall()
        touched = join(connection, old, new)
        touched |= settle_copies(connection)
        refresh_in_groups(connection, touched)
        writer.publish()
    return int(before[0][0])


def join(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> set[int]:
    """Make the drives of a device those of another one, in one transaction.

    A drive that both have becomes one: of a segment that both have, the better log stays, and the
    entry of the old system that is there. Labels come along.

    Returns:
        The drives whose results that changes.
    """
    drives = connection.execute(
        "select old.drive_id, new.drive_id from log.drive as old"
        " left join log.drive as new on old.drive = new.drive and new.dongle_id = $new"
        " where old.dongle_id = $old",
        {"old": old, "new": new},
    ).fetchall()
    connection.execute("begin")
    try:
        touched = {drive_id for pair in drives for drive_id in pair if drive_id is not None}
        for old_id, new_id in drives:
            if new_id is not None:
                _merge(connection, old_id, new_id)
        connection.execute("update log.drive set dongle_id = ? where dongle_id = ?", [new, old])
        _move_labels(connection, old, new)
        move_name(connection, old, new)
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
    return touched


def _merge(connection: duckdb.DuckDBPyConnection, old_id: int, new_id: int) -> None:
    """Make a drive part of another one."""
    ids = {"old": old_id, "new": new_id}
    for segment_num, is_old, is_worse in connection.execute(_RANKED, ids).fetchall():
        if is_worse:
            _delete_segment(connection, old_id if is_old else new_id, segment_num)
    for table in ("segment", *log_tables(connection)):
        connection.execute(
            f"update log.{table} set drive_id = sign(drive_id) * $new where abs(drive_id) = $old",
            ids,
        )
    connection.execute(
        "delete from store.imported_drive where drive_id = $old"
        " and exists (from store.imported_drive where drive_id = $new)",
        ids,
    )
    connection.execute("update store.imported_drive set drive_id = $new where drive_id = $old", ids)
    connection.execute("delete from log.drive where drive_id = ?", [old_id])


def _delete_segment(connection: duckdb.DuckDBPyConnection, drive_id: int, segment_num: int) -> None:
    for table in ("segment", *log_tables(connection)):
        connection.execute(
            f"delete from log.{table} where abs(drive_id) = ? and segment_num = ?",
            [drive_id, segment_num],
        )


def _move_labels(connection: duckdb.DuckDBPyConnection, old: str, new: str) -> None:
    """A label that the new name has for the same event stays as it is."""
    connection.execute(
        "delete from store.event_label as old where dongle_id = $old and exists ("
        " from store.event_label as new where new.dongle_id = $new and new.drive = old.drive"
        " and new.kind = old.kind and new.mono_ns = old.mono_ns)",
        {"old": old, "new": new},
    )
    connection.execute("update store.event_label set dongle_id = ? where dongle_id = ?", [new, old])
