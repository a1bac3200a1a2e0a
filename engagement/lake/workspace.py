"""A store in memory, for one drive at a time: what each process computes drives in."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from engagement.store.reader import new_instance
from engagement.store.schema import create
from engagement.store.segments import log_tables
from engagement.store.views import load_views

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import pyarrow as pa

_MEMORY = "2GB"
ZONES = "store.place_zone"


class Workspace:
    """A store in memory, with the tables and views of any other.

    Attributes:
        connection: To it.
        tables: Those that hold rows of a drive, with their schema.
        is_outdated: As a writer says it; there is nothing in it that could be.
    """

    is_outdated = False

    def __init__(self) -> None:
        self.connection = new_instance()
        for setting in (
            "threads = 1",
            f"memory_limit = '{_MEMORY}'",
            "asof_loop_join_threshold = 0",
        ):
            self.connection.execute(f"set {setting}")
        self.connection.execute("attach ':memory:' as engagement")
        self.connection.execute("use engagement")
        create(self.connection)
        # What is loaded from a lake is not older than these tables.
        self.connection.execute("update store.schema_migration set applied_at_utc = 'epoch'")
        self.tables = drive_tables(self.connection)

    def publish(self, *, reopen: bool = False) -> None:
        """Do nothing: what a writer publishes is read by others."""

    def begin(self, drive: Sequence[object], parameters: pa.Table) -> None:
        """Empty it, but for a drive without rows, which are to be computed by these parameters.

        Args:
            drive: The row of `log.drive`.
            parameters: The rows of `store.parameter`.
        """
        for table in (*self.tables, "log.drive", "store.parameter", ZONES):
            self.connection.execute(f"truncate {table}")
        self.insert("store.parameter", parameters)
        self.connection.execute("insert into log.drive values (?, ?, ?, ?)", drive)

    def load(self, lake: duckdb.DuckDBPyConnection, drive_id: int) -> None:
        """Add what a lake has of a drive's logs, copies that are left out included."""
        for table in self.tables:
            if table.startswith("log."):
                rows = f"select * from {table} where drive_id in ({drive_id}, -{drive_id})"
                self.insert(table, lake.sql(rows).to_arrow_table())

    def insert(self, table: str, rows: pa.Table) -> None:
        """Add rows to a table."""
        if rows.num_rows:
            self.connection.register("given_rows", rows)
            self.connection.execute(f"insert into {table} by name select * from given_rows")
            self.connection.unregister("given_rows")


def drive_tables(connection: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
    """The tables that hold rows of drives; that of the drives themselves is none of them."""
    logs = [f"log.{name}" for name in ("segment", *log_tables(connection))]
    return (*logs, *(view.result for view in load_views() if view.result and view.is_per_drive))


@cache
def workspace() -> Workspace:
    """The workspace of this process, made when it is first wanted."""
    return Workspace()
