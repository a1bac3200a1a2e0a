"""Takes manifests into a lake: all of a batch in one transaction with the ledger, or nothing.

Rows of a drive that the lake has already are replaced, and the same manifest changes nothing when
it comes again, so whoever is not sure whether it was taken gives it once more. Every transaction
changes the row of `store.state`: of two at once DuckLake refuses one.
"""

from __future__ import annotations

import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import duckdb

from engagement.errors import StoreBusyError, StoreError
from engagement.lake.catalog import digests
from engagement.lake.units import finish
from engagement.lake.workspace import ZONES, drive_tables, workspace
from engagement.store.copies import MISPLACED
from engagement.store.ingest_options import IngestReport
from engagement.store.results import refresh_in_groups, sum_up

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engagement.lake.manifests import Manifest
    from engagement.store.lake_file import LakeFile

# A file with fewer rows is copied into one of many drives: to read it costs more than to write it.
_WORTH_A_FILE_ROWS = 20_000
# How DuckLake, and SQLite below it, say that another transaction was first.
_CONFLICTS = ("conflict", "database is locked")


class Committer:
    """The one writer of a lake.

    Args:
        connection: To the lake, for writing.
        lake: The lake.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, lake: LakeFile) -> None:
        self._connection = connection
        self._lake = lake
        self._tables = drive_tables(connection)

    def commit(self, manifests: Sequence[Manifest]) -> int:
        """Take manifests, and say how many of them the lake had not.

        Raises:
            StoreBusyError: If another process wrote to the lake meanwhile; nothing was taken.
            StoreError: If the catalog or the disk fails; nothing was taken.
        """
        with self._transaction():
            known = digests(self._connection)
            fresh = {
                manifest.drive_id: manifest
                for manifest in manifests
                if manifest.files and known.get(manifest.drive_id) != manifest.digest
            }
            if fresh:
                self._take([*fresh.values()], known.keys())
                self._settle_copies()
                sum_up(self._connection)
                self._count()
        return len(fresh)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("begin")
        try:
            yield
            os.sync()  # DuckDB leaves it to the kernel when files reach the disk
            self._connection.execute("commit")
        except BaseException as error:
            with suppress(duckdb.Error):  # there is none to undo where a commit failed
                self._connection.execute("rollback")
            if isinstance(error, duckdb.Error):
                raise self._failure(error) from error
            raise

    def _count(self) -> None:
        self._connection.execute(
            "update store.state set generation = generation + 1, "
            "published_at_utc = now() at time zone 'utc'"
        )

    def _take(self, manifests: Sequence[Manifest], known: Iterable[int]) -> None:
        self._forget({m.drive_id for m in manifests}.intersection(known))
        by_table: dict[str, list[str]] = {}
        for manifest in manifests:
            for file in manifest.files:
                kind = "file" if file.n_rows >= _WORTH_A_FILE_ROWS else "rows"
                by_table.setdefault(f"{kind} {file.table}", []).append(str(file.path))
        for wanted, paths in by_table.items():
            kind, table = wanted.split()
            self._add_files(table, paths) if kind == "file" else self._add_rows(table, paths)
        execute = self._connection.executemany
        execute("insert into log.drive values (?, ?, ?, ?)", [m.drive for m in manifests])
        execute(
            "insert into lake.unit values (?, ?, ?, now() at time zone 'utc')",
            [(m.drive_id, m.digest, sum(file.n_rows for file in m.files)) for m in manifests],
        )

    def _forget(self, drive_ids: Iterable[int]) -> None:
        """Remove all rows of drives."""
        listed = ", ".join(f"{drive_id}, -{drive_id}" for drive_id in sorted(drive_ids))
        if listed:
            for table in (*self._tables, "log.drive", "lake.unit"):
                self._connection.execute(f"delete from {table} where drive_id in ({listed})")

    def _add_files(self, table: str, paths: Sequence[str]) -> None:
        schema, name = table.split(".")
        self._connection.execute(
            "call ducklake_add_data_files('engagement', ?, ?, schema => ?)", [name, paths, schema]
        )

    def _add_rows(self, table: str, paths: Sequence[str]) -> None:
        rows = "select * from read_parquet(?)"
        if table == ZONES:
            rows = (
                f"select distinct found.* from ({rows}) as found anti join {ZONES} as known"
                " using (latitude_cell, longitude_cell)"
            )
        self._connection.execute(f"insert into {table} by name {rows}", [paths])

    def _settle_copies(self) -> None:
        """Have each copy of a log count once, as `store.copies` does, drive by drive."""
        asides: dict[int, dict[int, bool]] = {}
        for drive_id, segment_num in self._connection.execute(MISPLACED).fetchall():
            asides.setdefault(abs(drive_id), {})[segment_num] = drive_id > 0
        if asides:
            counted = [self._counted(drive_id, aside) for drive_id, aside in asides.items()]
            self._take(counted, asides)

    def _counted(self, drive_id: int, asides: dict[int, bool]) -> Manifest:
        """A drive of the lake, some of whose segments are set aside or count again."""
        find = "from log.drive where drive_id = ?"
        [drive] = self._connection.execute(find, [drive_id]).fetchall()
        space = workspace()
        space.begin(drive, self._connection.sql("from store.parameter").to_arrow_table())
        space.load(self._connection, drive_id)
        for segment_num, is_aside in asides.items():
            number = -drive_id if is_aside else drive_id
            for table in space.tables:
                if table.startswith("log."):
                    space.connection.execute(
                        f"update {table} set drive_id = ? where segment_num = ?",
                        [number, segment_num],
                    )
        refresh_in_groups(space.connection, [drive_id])
        return finish(space, drive, self._lake, IngestReport())

    def _failure(self, error: duckdb.Error) -> StoreError:
        if any(words in str(error).lower() for words in _CONFLICTS):
            return StoreBusyError(self._lake.path, "another process")
        reason = str(error).split("\n", 1)[0]
        return StoreError(f"{self._lake.path}: can't take drives: {reason}; ingest again")
