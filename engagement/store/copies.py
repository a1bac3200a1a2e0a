"""Copies of a log count once: all but one are set aside.

`staging.segment_copies` says which one counts. The rows of the others stay in schema `log` with the
number of their drive negated: no view sees them, and they are back as soon as the one that counts
is gone or holds something else. Labels go over to the copy that counts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.store.results import refresh_in_groups
from engagement.store.segments import drives_with_logs, log_tables

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

# What has no copy any more counts again, as does a copy that could be read no longer.
MISPLACED = """
select stored.drive_id, stored.segment_num
from log.segment as stored
left join staging.segment_copies as copies
    on stored.drive_id = copies.stored_drive_id and stored.segment_num = copies.segment_num
where (stored.drive_id > 0) <> coalesce(copies.is_counted, true)
"""

# Labels of events in a segment that is left out, and in none that counts.
_MISPLACED_LABELS = """
select drive.drive_id, label.kind, label.mono_ns, left_out.segment_num
from store.event_label as label
inner join log.drive on label.dongle_id = drive.dongle_id and label.drive = drive.drive
inner join log.segment as left_out
    on drive.drive_id = -left_out.drive_id
    and label.mono_ns between left_out.start_mono_ns and left_out.end_mono_ns
where
    not exists (
        from log.segment as kept
        where kept.drive_id = drive.drive_id
            and label.mono_ns between kept.start_mono_ns and kept.end_mono_ns
    )
"""
# Where these belong; of two labels of one event the newer stays.
_LABELS_OF_COPIES = f"""
with misplaced as ({_MISPLACED_LABELS})

select
    own.dongle_id, own.drive, label.kind, label.mono_ns,
    counted.dongle_id as new_dongle_id, counted.drive as new_drive,
    label.label, label.note, label.labelled_at_utc
from misplaced
inner join staging.segment_copies as copies
    on misplaced.drive_id = copies.drive_id and misplaced.segment_num = copies.segment_num
inner join log.drive as own on misplaced.drive_id = own.drive_id
inner join log.drive as counted on copies.counted_drive_id = counted.drive_id
inner join store.event_label as label
    on own.dongle_id = label.dongle_id and own.drive = label.drive
    and misplaced.kind = label.kind and misplaced.mono_ns = label.mono_ns
where not copies.is_counted
qualify
    row_number() over (partition by label.dongle_id, label.drive, label.kind, label.mono_ns) = 1
"""


def refresh_all(connection: duckdb.DuckDBPyConnection) -> int:
    """Compute every drive's results, with copies left out, and say how many drives there are."""
    settled = settle_copies(connection)
    drives = drives_with_logs(connection)
    refresh_in_groups(connection, settled.union(drives))
    return len(drives)


def settle_copies(connection: duckdb.DuckDBPyConnection) -> set[int]:
    """Set copies aside that must not count, and bring back what must, in one transaction.

    Returns:
        The drives whose results that changes.
    """
    misplaced = connection.execute(MISPLACED).fetchall()
    if misplaced:
        _move_segments(connection, misplaced)
    settle_labels(connection)
    return {abs(drive_id) for drive_id, _ in misplaced}


def _move_segments(
    connection: duckdb.DuckDBPyConnection, misplaced: Sequence[tuple[int, int]]
) -> None:
    keys = ", ".join(f"({drive_id}, {segment_num})" for drive_id, segment_num in misplaced)
    connection.execute("begin")
    try:
        for table in ("segment", *log_tables(connection)):
            connection.execute(
                f"update log.{table} set drive_id = -drive_id "
                f"where (drive_id, segment_num) in ({keys})"
            )
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def settle_labels(connection: duckdb.DuckDBPyConnection) -> None:
    """Give labels of copies that are left out to the one that counts, in one transaction."""
    if not connection.execute(f"{_MISPLACED_LABELS} limit 1").fetchall():
        return
    connection.execute("begin")
    try:
        connection.execute(f"create or replace temporary table moved_label as {_LABELS_OF_COPIES}")
        connection.execute(
            "delete from store.event_label as label using moved_label as moved"
            " where label.dongle_id = moved.dongle_id and label.drive = moved.drive"
            " and label.kind = moved.kind and label.mono_ns = moved.mono_ns"
        )
        connection.execute(
            "insert into store.event_label by name"
            " select new_dongle_id as dongle_id, new_drive as drive, kind, mono_ns, label, note,"
            " labelled_at_utc from moved_label"
        )
        connection.execute(
            "delete from store.event_label where rowid not in ("
            " select arg_max(rowid, (labelled_at_utc, rowid)) from store.event_label"
            " group by dongle_id, drive, kind, mono_ns)"
        )
        connection.execute("drop table moved_label")
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
