"""A database in a folder, the logs beside it, and what its public views say."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import duckdb

from engagement.extract.segment import ReadOptions
from engagement.filters import Selection
from engagement.store import schema
from engagement.store.ingest_options import IngestOptions, IngestReport
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Row = dict[str, Any]
Views = dict[str, list[Row]]

# What says where and when a file was read, not what is in it.
OF_THE_FILE = {"path", "codec", "size_bytes", "ingested_at_utc", "rlog_path"}


@dataclass(frozen=True)
class Store:
    """A database, perhaps not there yet, and a folder for its logs."""

    folder: Path

    @property
    def database(self) -> Path:
        return self.folder / "engagement.duckdb"

    @property
    def logs(self) -> Path:
        return self.folder / "rlogs"

    def ingest(
        self,
        *paths: Path,
        selection: Selection | None = None,
        read: ReadOptions | None = None,
        **options: Any,
    ) -> IngestReport:
        """Ingest paths, by default all logs of the folder."""
        wanted = IngestOptions(
            read or ReadOptions(), selection or Selection(), **{"jobs": 1, **options}
        )
        return ingest(paths or [self.logs], self.database, wanted)

    def rows(self, query: str) -> list[Row]:
        with Reader(self.database) as reader:
            return reader.rows(query)

    def row(self, query: str) -> Row:
        [row] = self.rows(query)
        return row

    def segments(self, columns: str = "segment_num, log_kind, status") -> list[tuple[Any, ...]]:
        """Some columns of the segments, in order."""
        query = f"select {columns} from segments order by dongle_id, drive, segment_num"
        return [tuple(row.values()) for row in self.rows(query)]

    def views(self, *, hidden: Sequence[str] = ()) -> Views:
        """Every public view, drives by their names, in an order that is the same in any store."""
        return public_views(self.database, hidden={*OF_THE_FILE, *hidden})

    def state(self) -> tuple[int, int, int]:
        """What changes when the file is replaced or written."""
        status = self.database.stat()
        return status.st_ino, status.st_mtime_ns, status.st_size

    def generation(self) -> int:
        return int(self.row("select generation from store.state")["generation"])

    def copy_of(self, other: Path) -> None:
        shutil.copyfile(other, self.database)


def made_at(version: int, newer: Path, path: Path) -> None:
    """Make a database as it was at a version of the tables, with the rows of a newer one."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"attach '{newer}' as newer (read_only)")
        connection.execute(
            "create table schema_migration "
            "(version integer, name varchar, sha256 varchar, applied_at_utc timestamp)"
        )
        for number, name, text in schema.migrations():
            if number <= version:
                connection.execute(text)
                connection.execute(
                    "insert into schema_migration values (?, ?, 'x', now())", [number, name]
                )
        query = (
            "select old.table_name, newer.schema_name || '.' || newer.table_name "
            "from duckdb_tables() as old inner join duckdb_tables() as newer "
            "on replace(old.table_name, 'store_state', 'state') = newer.table_name "
            "where newer.database_name = 'newer' and newer.schema_name in ('log', 'store') "
            "and old.database_name = current_database() and old.table_name <> 'schema_migration'"
        )
        for table, source in connection.execute(query).fetchall():
            columns = ", ".join(connection.sql(f"from {table} limit 0").columns)
            connection.execute(f"insert into {table} select {columns} from newer.{source}")
        connection.execute("update store_state set sql_hash = 'of then'")


def public_views(database: Path, *, hidden: set[str]) -> Views:
    """Every public view's rows without numbers of drives and without the hidden columns."""
    status = database.stat()
    return _public_views(database, (status.st_ino, status.st_mtime_ns), frozenset(hidden))


@lru_cache(maxsize=16)  # many tests hold several databases against the same one
def _public_views(database: Path, _state: tuple[int, int], hidden: frozenset[str]) -> Views:
    with Reader(database) as reader:
        names = {
            row["drive_id"]: (row["dongle_id"], row["drive"])
            for row in reader.rows("select * from log.drive")
        }
        views = {view: _rows(reader, view, hidden) for view in reader.views()}
    for rows in views.values():
        for row in rows:
            if "drive_id" in row:
                row["drive_id"] = names[row["drive_id"]]
            for name in hidden & row.keys():
                del row[name]
        rows.sort(key=_order)
    return views


def _rows(reader: Reader, view: str, hidden: set[str]) -> list[Row]:
    """A view's rows; of samples, of which there are too many to look at, a hash of each drive's."""
    if not view.endswith("samples"):
        return reader.rows(f"from {view}")
    columns = ", ".join(name for name in reader.comments(view) if name not in hidden | {"drive_id"})
    return reader.rows(
        f"select drive_id, count(*) as n_rows, bit_xor(hash({columns})) as content"
        f" from {view} group by drive_id"
    )


def _order(row: Row) -> list[tuple[str, str]]:
    return [
        (name, f"{value:.6g}" if isinstance(value, float) else f"{value!r:>20}")
        for name, value in row.items()
    ]


def differences(one: Views, other: Views) -> list[str]:
    """What two databases say differently; sums of floats may differ in their last digits."""
    found = [f"{name}: only in one" for name in one.keys() ^ other.keys()]
    for name in one.keys() & other.keys():
        if len(one[name]) != len(other[name]):
            found.append(f"{name}: {len(one[name])} rows, {len(other[name])} rows")
            continue
        for mine, theirs in zip(one[name], other[name], strict=True):
            found += [
                f"{name}.{column}: {mine[column]!r}, {theirs.get(column)!r} in {mine}"
                for column in mine
                if not _same(mine[column], theirs.get(column))
            ]
    return found


def _same(mine: Any, theirs: Any) -> bool:
    if isinstance(mine, float) and isinstance(theirs, float):
        return math.isclose(mine, theirs, rel_tol=1e-9, abs_tol=1e-9)
    return bool(mine == theirs)
