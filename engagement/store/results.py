"""Result tables: the rows of the computing views for the drives that changed.

Filters are constants on `drive_id`, which every computing view partitions and groups by, so that
DuckDB reads only those drives' rows whatever else the database holds; what a view reads of logs has
them too. They are ranges, which DuckDB carries over to both sides of a join; a list of numbers it
does not. Joins are done in the order in which they are written: to look for a better one takes
longer than it saves.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from queue import SimpleQueue
from typing import TYPE_CHECKING

import duckdb

from engagement.store.cores import default_jobs
from engagement.store.log_order import drives_out_of_order
from engagement.store.saved_moments import MADE_OF_EXPRESSIONS, make_rows
from engagement.store.time_zones import find_time_zones
from engagement.store.views import downstream, load_views

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from engagement.store.views import View


_GROUP_MESSAGES = 2_500_000  # an hour of rlogs at a time bounds the memory of the views
_BULK_GROUP_MESSAGES = 6_000_000  # planning takes longer than computing where groups are small
_BULK_GROUPS = 10
_BULK_MEMORY = "1GB"
_LONG_DRIVE_MEMORY = "2GB"
_FEW_MESSAGES = 400_000  # planning takes longer than computing: some ten minutes of rlogs
# What takes longer than it saves there; none of these changes how a number is computed.
_OPTIMIZERS_OF_MUCH = {
    "common_subexpressions",
    "common_subplan",
    "compressed_materialization",
    "join_elimination",
    "late_materialization",
    "limit_pushdown",
    "partitioned_execution",
    "projection_placement",
    "projection_pullup",
    "redundant_order_keys",
    "regex_range",
    "remote_pushdown",
    "reorder_filter",
    "sampling_pushdown",
    "scalar_fn_pushdown",
    "top_n",
    "top_n_window_elimination",
    "type_pushdown",
}
# What several views read of every sample, in the order of time, is computed once for all of them.
SHARED = frozenset({"staging.car_state_steps", "staging.legacy_controls"})
_MAX_SPREAD = 4  # a range may take in this many drives for each one that is wanted


def refresh_in_groups(connection: duckdb.DuckDBPyConnection, drive_ids: Iterable[int]) -> None:
    """Compute the results of any number of drives, a bounded amount of them at a time.

    Where there is much to do, as in a recomputation of a fleet, it takes more memory for less time.
    """
    n_messages = _message_counts(connection, drive_ids)
    _prepare(connection, n_messages)
    with _planned_simply(connection, is_little=sum(n_messages.values()) < _FEW_MESSAGES):
        _refresh_counted(connection, n_messages)
    sum_up(connection)


@contextmanager
def _planned_simply(
    connection: duckdb.DuckDBPyConnection, *, is_little: bool = False
) -> Iterator[None]:
    """Have joins done as they are written; where there is little to compute, plan even less."""
    unwanted = {"join_order"}
    if is_little:
        known = connection.execute("select name from duckdb_optimizers()").fetchall()
        unwanted |= _OPTIMIZERS_OF_MUCH.intersection(name for (name,) in known)
    connection.execute(f"set disabled_optimizers = '{','.join(sorted(unwanted))}'")
    try:
        yield
    finally:
        connection.execute("reset disabled_optimizers")


def _refresh_counted(connection: duckdb.DuckDBPyConnection, n_messages: Mapping[int, int]) -> None:
    if sum(n_messages.values()) > _BULK_GROUPS * _GROUP_MESSAGES:
        connection.execute(f"set memory_limit = '{_BULK_MEMORY}'")
        _refresh_in_threads(connection, list(_groups(n_messages, _BULK_GROUP_MESSAGES)))
        return
    for group in _groups(n_messages, _GROUP_MESSAGES):
        _refresh_group(connection, group)


def _refresh_in_threads(
    connection: duckdb.DuckDBPyConnection, groups: Sequence[Sequence[int]]
) -> None:
    """Refresh groups side by side: the views' windows keep DuckDB to one thread for each."""
    cursors: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
    opened = [connection.cursor() for _ in range(default_jobs())]
    [(database,)] = connection.execute("select current_database()").fetchall()
    for cursor in opened:
        cursor.execute(f'use "{database}"')  # which a cursor does not take over
        cursors.put(cursor)

    def refresh_group(group: Sequence[int]) -> None:
        cursor = cursors.get()
        try:
            _refresh_group(cursor, group)
        finally:
            cursors.put(cursor)

    with ThreadPoolExecutor(len(opened)) as pool:
        futures = [pool.submit(refresh_group, group) for group in groups]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for cursor in opened:
                cursor.interrupt()
            raise
    for cursor in opened:
        cursor.close()


def _message_counts(
    connection: duckdb.DuckDBPyConnection, drive_ids: Iterable[int]
) -> dict[int, int]:
    """How many messages the logs of each drive have, in the order of the drives."""
    query = "select drive_id, sum(n_messages)::bigint from log.segment group by drive_id"
    found = dict(connection.execute(query).fetchall())
    return {drive_id: found.get(drive_id, 0) for drive_id in sorted(drive_ids)}


def _groups(n_messages: Mapping[int, int], group_messages: int) -> Iterator[list[int]]:
    """Neighbouring drives with up to so many messages together; a larger one is a group alone."""
    drives: list[int] = []
    n_so_far = 0
    for drive_id, count in n_messages.items():
        is_far = bool(drives) and drive_id - drives[0] > _MAX_SPREAD * len(drives)
        if drives and (is_far or n_so_far + count > group_messages):
            yield drives
            drives, n_so_far = [], 0
        drives.append(drive_id)
        n_so_far += count
    if drives:
        yield drives


def refresh_moments(connection: duckdb.DuckDBPyConnection, drive_ids: Iterable[int]) -> None:
    """Compute anew what saved moments change, and nothing else, in any number of drives."""
    changed = downstream(f"compute.{MADE_OF_EXPRESSIONS[0].removeprefix('result.')}")
    with _planned_simply(connection):
        for group in _groups(_message_counts(connection, drive_ids), _GROUP_MESSAGES):
            _refresh_group(connection, group, changed)
    sum_up(connection)


def _refresh_group(
    connection: duckdb.DuckDBPyConnection,
    drive_ids: Sequence[int],
    only: frozenset[str] | None = None,
) -> None:
    """Refresh within the memory limit, or with a higher one: a drive can't be divided."""
    try:
        _refresh_drives(connection, drive_ids, only)
    except duckdb.OutOfMemoryException:
        connection.execute(f"set memory_limit = '{_LONG_DRIVE_MEMORY}'")
        _refresh_drives(connection, drive_ids, only)


def refresh(connection: duckdb.DuckDBPyConnection, drive_ids: Sequence[int]) -> None:
    """Compute every result of some drives anew, in the caller's transaction if there is one."""
    if drive_ids:
        _prepare(connection, drive_ids)
        with _planned_simply(connection):
            _refresh_drives(connection, drive_ids)
        sum_up(connection)


def _prepare(connection: duckdb.DuckDBPyConnection, drive_ids: Iterable[int]) -> None:
    """Compute what drives are computed by: the parameters, and time zones where they started."""
    find_time_zones(connection, drive_ids)
    write_parameters(connection)


def write_parameters(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute what all drives are computed by."""
    for view in load_views():
        if view.result and view.is_one_row:
            _write(connection, view, view.name)


def sum_up(connection: duckdb.DuckDBPyConnection) -> None:
    """Compute what is of all drives together."""
    for view in load_views():
        if view.result and not (view.is_per_drive or view.is_one_row):
            _write(connection, view, view.name)


def _refresh_drives(
    connection: duckdb.DuckDBPyConnection,
    drive_ids: Sequence[int],
    only: frozenset[str] | None = None,
) -> None:
    wanted = {int(drive_id) for drive_id in drive_ids}
    unordered = wanted & drives_out_of_order(connection, _range(wanted))
    if unordered != wanted:
        _compute(connection, wanted - unordered, only, is_in_order=True)
    if unordered:
        _compute(connection, unordered, only, is_in_order=False)


def _range(drive_ids: Collection[int]) -> str:
    return f"drive_id between {min(drive_ids)} and {max(drive_ids)}"


def _compute(
    connection: duckdb.DuckDBPyConnection,
    drive_ids: Collection[int],
    only: frozenset[str] | None,
    *,
    is_in_order: bool,
) -> None:
    """Compute the results of drives whose rows of logs all lie in order, or of others."""
    in_range = _range(drive_ids)
    is_wanted = f"{in_range} and drive_id in ({', '.join(map(str, sorted(drive_ids)))})"
    for view in load_views():
        if view.name in SHARED:
            table = view.name.replace("staging.", "temp.")
            query = view.query(in_range, is_in_order=is_in_order)
            rows = f"select * from ({query}) where {is_wanted}"
            connection.execute(f"create or replace temp table {table} as {rows}")
        elif view.result and view.is_per_drive and (only is None or view.name in only):
            query = view.query(in_range, computed=SHARED, is_in_order=is_in_order)
            _write(connection, view, f"({query})", is_wanted)
    for name in SHARED:
        connection.execute(f"drop table {name.replace('staging.', 'temp.')}")


def _write(
    connection: duckdb.DuckDBPyConnection, view: View, source: str, is_wanted: str = "true"
) -> None:
    """Write the wanted rows of a view anew."""
    connection.execute(f"delete from {view.result} where {is_wanted}")
    if view.result in MADE_OF_EXPRESSIONS:
        make_rows(connection, view.result, is_wanted)
        return
    connection.execute(
        f"insert into {view.result} by name select * from {source} where {is_wanted}"
    )
