"""Result tables: the rows of the computing views for the drives that changed.

Filters are constants on `drive_id`, which every computing view partitions and groups by, so that
DuckDB reads only those drives' rows whatever else the database holds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.store.views import load_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb


def refresh(connection: duckdb.DuckDBPyConnection, drive_ids: Sequence[int]) -> None:
    """Compute every result of some drives anew, in the caller's transaction if there is one."""
    if not drive_ids:
        return
    drives = ", ".join(str(int(drive_id)) for drive_id in sorted(set(drive_ids)))
    for view in load_views():
        if view.result:
            connection.execute(f"delete from {view.result} where drive_id in ({drives})")
            connection.execute(
                f"insert into {view.result} by name "
                f"select * from {view.name} where drive_id in ({drives})"
            )
