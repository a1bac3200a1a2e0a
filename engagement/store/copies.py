"""Copies of a log count once: all but one are set aside.

`staging.segment_copies` says which one counts. The rows of the others stay in schema `log` with the
number of their drive negated: no view sees them, and they are back as soon as the one that counts
is gone or holds something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.store.results import refresh_in_groups
from engagement.store.segments import drives_with_logs, log_tables

if TYPE_CHECKING:
    import duckdb

# What has no copy any more counts again, as does a copy that could be read no longer.
_MISPLACED = """
select stored.drive_id, stored.segment_num
from log.segment as stored
left join staging.segment_copies as copies
    on stored.drive_id = copies.stored_drive_id and stored.segment_num = copies.segment_num
where (stored.drive_id > 0) <> coalesce(copies.is_counted, true)
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
    misplaced = connection.execute(_MISPLACED).fetchall()
    if not misplaced:
        return set()
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
    return {abs(drive_id) for drive_id, _ in misplaced}
