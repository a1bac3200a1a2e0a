"""Result tables: the rows of the computing views for the drives that changed.

Filters are constants on `drive_id`, which every computing view partitions and groups by, so that
DuckDB reads only those drives' rows whatever else the database holds. They are ranges, which DuckDB
carries over to both sides of a join; a list of numbers it does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from engagement.store.views import load_views

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


_GROUP_SEGMENTS = 60  # an hour of driving at a time bounds the memory of the views
_LONG_DRIVE_MEMORY = "2GB"
_MAX_SPREAD = 4  # a range may take in this many drives for each one that is wanted


def refresh_in_groups(
    connection: duckdb.DuckDBPyConnection, n_segments_by_drive: Mapping[int, int]
) -> None:
    """Compute the results of any number of drives, a bounded number of segments at a time."""
    drives: list[int] = []
    n_segments = 0
    for drive_id, count in sorted(n_segments_by_drive.items()):
        is_far = bool(drives) and drive_id - drives[0] > _MAX_SPREAD * len(drives)
        if drives and (is_far or n_segments + count > _GROUP_SEGMENTS):
            _refresh_group(connection, drives)
            drives, n_segments = [], 0
        drives.append(drive_id)
        n_segments += count
    _refresh_group(connection, drives)


def _refresh_group(connection: duckdb.DuckDBPyConnection, drive_ids: Sequence[int]) -> None:
    """Refresh within the writer's memory, or with more of it: a drive is never cut in two."""
    try:
        refresh(connection, drive_ids)
    except duckdb.OutOfMemoryException:
        connection.execute(f"set memory_limit = '{_LONG_DRIVE_MEMORY}'")
        refresh(connection, drive_ids)


def refresh(connection: duckdb.DuckDBPyConnection, drive_ids: Sequence[int]) -> None:
    """Compute every result of some drives anew, in the caller's transaction if there is one."""
    if not drive_ids:
        return
    wanted = sorted({int(drive_id) for drive_id in drive_ids})
    listed = ", ".join(map(str, wanted))
    is_wanted = f"drive_id between {wanted[0]} and {wanted[-1]} and drive_id in ({listed})"
    for view in load_views():
        if view.result:
            rows = is_wanted if view.is_per_drive else "true"
            connection.execute(f"delete from {view.result} where {rows}")
            connection.execute(
                f"insert into {view.result} by name select * from {view.name} where {rows}"
            )
