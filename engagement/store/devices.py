"""Devices under two names: the old system called them by 8 of the 16 digits of their dongle id.

It took the last 8, and some folders have the first 8. A short name is the device whose id ends with
it, else the one whose id starts with it, where there is exactly one such: by chance that happens to
one in millions of pairs. What else belongs together, somebody has to say: `join_devices`, which is
remembered.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from engagement.errors import InputError, NotFoundError, StoreMissingError
from engagement.names import full_dongle_ids, is_short_for, parse_any_path, parse_dongle_id
from engagement.store.copies import refresh_all, settle_copies
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.device_aliases import forget_alias, read_aliases, remember_alias
from engagement.store.given_names import move_name
from engagement.store.results import refresh_in_groups
from engagement.store.segments import log_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
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
_CAME = """
select drive.drive_id, segment.path, init.dongle_id, imported.entry ->> '$.device_id'
from log.drive
left join log.segment on drive.drive_id = abs(segment.drive_id)
left join (
    select abs(drive_id) as drive_id, segment_num, any_value(dongle_id) as dongle_id
    from log.init_data
    group by abs(drive_id), segment_num
) as init on drive.drive_id = init.drive_id and segment.segment_num = init.segment_num
left join store.imported_drive as imported on drive.drive_id = imported.drive_id
where drive.dongle_id = ?
"""


@dataclass(frozen=True, slots=True)
class Joined:
    """What a join or its undoing changed: so many drives are of a device now.

    Attributes:
        n_drives: How many drives changed their device.
        dongle_id: The device that they are of.
        is_known: Whether the device has other drives.
    """

    n_drives: int
    dongle_id: str
    is_known: bool = True


def join_other_names(connection: duckdb.DuckDBPyConnection) -> set[int]:
    """Join each device that has a short or an old name with its own one, where that is certain.

    Returns:
        The drives whose results that changes.
    """
    touched: set[int] = set()
    for other, name in other_names(connection).items():
        touched |= join(connection, other, name)
    return touched


def other_names(
    connection: duckdb.DuckDBPyConnection, others: Iterable[str] = ()
) -> dict[str, str]:
    """The short and old names of drives and labels, and others, each with the device's own one.

    A device that no drive is of is none, unless somebody said so.
    """
    labelled = connection.execute("select distinct dongle_id from store.event_label").fetchall()
    known, aliases = _known(connection), read_aliases(connection)
    names = known.union(others, (name for (name,) in labelled))
    return {
        name: device
        for name, device in full_dongle_ids(names, aliases).items()
        if name in names and (device in known or device in aliases.values())
    }


def join_devices(database: Path, old: str, new: str) -> Joined:
    """Make the drives of a device those of another one, now and whenever some come.

    Raises:
        NotFoundError: If there is no device of the old name, or none of the new one that the old
            one could be short for.
        InputError: If both are one device already, or the old name is another device's.
        StoreError: If the database can't be written.
    """
    if old == new:
        raise InputError(f"{old!r} is the name of one device; name the old one and the new one")
    with _writer(database) as writer:
        connection = writer.connection
        known, aliases = _known(connection), read_aliases(connection)
        device = aliases.get(new, new)
        if old in aliases:
            problem = f"{old!r} is joined with {aliases[old]!r} already"
            remedy = f"; take that back first: `engagement devices --unjoin {old}`"
            raise InputError(problem + (remedy if aliases[old] != device else ""))
        if old not in known:
            raise NotFoundError("device", old, known)
        if device == old:  # joined the other way round before: from now on by its other name
            forget_alias(connection, new)
            device = new
        elif device not in known and not is_short_for(old, device):
            raise NotFoundError("device", new, known)
        n_drives = _count_drives(connection, old)
        remember_alias(connection, old, device)
        _publish(writer, join(connection, old, device))
    return Joined(n_drives, device, is_known=device in known)


def unjoin_device(database: Path, old: str) -> Joined:
    """Let a name that was joined be a device of its own again, with the drives that came under it.

    What drives came under is said by the paths of their logs, else by the logs, or by the entry of
    the old system. Drives that have logs of both stay.

    Raises:
        NotFoundError: If that name was not joined.
        InputError: If the name is short for the device's, and can be no other's.
        StoreError: If the database can't be written.
    """
    with _writer(database) as writer:
        connection = writer.connection
        aliases = read_aliases(connection)
        if old not in aliases:
            raise NotFoundError("joined device", old, aliases)
        forget_alias(connection, old)
        came = _names_by_drive(connection, aliases[old])
        names = _known(connection).union(*came.values(), [old])
        devices = full_dongle_ids(names, read_aliases(connection))
        if old in devices:
            raise InputError(f"{old!r} is the short name of {devices[old]!r}, and of no other")
        drives = [
            drive_id
            for drive_id, said in came.items()
            if {devices.get(name, name) for name in said} == {old}
        ]
        for drive_id in drives:
            _rename(connection, drive_id, old)
        _publish(writer, set(drives))
    return Joined(len(drives), old)


@contextmanager
def _writer(database: Path) -> Iterator[Writer]:
    """A writer of a database that is there and up to date."""
    if not database.exists():
        raise StoreMissingError(database)
    with writer_lock(database), Writer(database) as writer:
        if writer.is_outdated:
            refresh_all(writer.connection)
        yield writer


def _publish(writer: Writer, touched: set[int]) -> None:
    touched |= settle_copies(writer.connection)
    refresh_in_groups(writer.connection, touched)
    writer.publish()


def _known(connection: duckdb.DuckDBPyConnection) -> set[str]:
    found = connection.execute("select distinct dongle_id from log.drive").fetchall()
    return {name for (name,) in found}


def _count_drives(connection: duckdb.DuckDBPyConnection, dongle_id: str) -> int:
    found = connection.execute("select count(*) from log.drive where dongle_id = ?", [dongle_id])
    return int(found.fetchall()[0][0])


def _names_by_drive(connection: duckdb.DuckDBPyConnection, dongle_id: str) -> dict[int, set[str]]:
    """The names of devices under which the drives of a device came; none where nothing says it."""
    found: dict[int, set[str]] = {}
    for drive_id, path, logged, entered in connection.execute(_CAME, [dongle_id]).fetchall():
        by_path = parse_any_path(PurePath(path)).dongle_id if path else None
        name = by_path or logged or (entered if path is None else None) or dongle_id
        found.setdefault(drive_id, set()).add(parse_dongle_id(name) or name)
    return found


def _rename(connection: duckdb.DuckDBPyConnection, drive_id: int, dongle_id: str) -> None:
    """Give a drive and its labels another device."""
    connection.execute(
        "update store.event_label as label set dongle_id = $new from log.drive"
        " where drive.drive_id = $id and label.dongle_id = drive.dongle_id"
        " and label.drive = drive.drive",
        {"new": dongle_id, "id": drive_id},
    )
    connection.execute(
        "update log.drive set dongle_id = ? where drive_id = ?", [dongle_id, drive_id]
    )


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
