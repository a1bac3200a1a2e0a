"""The lake's catalog: how it is made, opened for writing, and what stands in its ledger."""

from __future__ import annotations

import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from engagement.errors import StoreError, StoreVersionError
from engagement.store.database_writer import writer_lock
from engagement.store.lake_file import attach_lake, read_lake_file
from engagement.store.reader import new_instance
from engagement.store.results import write_parameters
from engagement.store.schema import create, is_current, latest_version, stored_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

    from engagement.store.lake_file import LakeFile

_LEDGER = """
create schema lake;
create table lake.unit (
    drive_id integer, digest varchar, n_rows bigint, committed_at_utc timestamp
);
comment on table lake.unit is
'The drives that are in the lake, each once, with the digest of what its rows follow from';
"""


def make_lake(path: Path, parameters_file: Path | None = None) -> LakeFile:
    """Make the lake that a file names, with all tables and views and without drives.

    Raises:
        StoreError: If there is one already, or it can't be made.
        ConfigError: If the file or the parameters do not hold.
    """
    lake = read_lake_file(path)
    with writer_lock(path):
        if lake.catalog.exists():
            raise StoreError(f"{path}: there is a lake already, in {lake.catalog}")
        part = lake.catalog.with_name(lake.catalog.name + ".part")
        part.unlink(missing_ok=True)
        _make_parts(lake, part, parameters_file)
        part.rename(lake.catalog)  # whole or not at all
    return lake


def _make_parts(lake: LakeFile, part: Path, parameters_file: Path | None) -> None:
    try:
        lake.data.mkdir(parents=True, exist_ok=True)
        part.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{lake.path}: can't make its folders: {error.strerror}") from error
    with new_instance() as connection:
        attach_lake(connection, lake.at(part), read_only=False)
        connection.execute("use engagement")
        create(connection, parameters_file, path=lake.path)
        connection.execute(_LEDGER)
        write_parameters(connection)
    # Else a reader in the middle of a query keeps the writer from committing, and it the reader.
    with closing(sqlite3.connect(part)) as catalog:
        catalog.execute("pragma journal_mode = wal")


@contextmanager
def open_lake(path: Path) -> Iterator[tuple[LakeFile, duckdb.DuckDBPyConnection]]:
    """Open a lake for writing, and keep other writers out.

    Raises:
        StoreBusyError: If another process writes to it.
        StoreError: If it can't be used, or its views are another engagement's.
    """
    lake = read_lake_file(path)
    with writer_lock(path), new_instance() as connection:
        attach_lake(connection, lake, read_only=True)  # which makes none where there is none
        connection.execute("detach engagement")
        attach_lake(connection, lake, read_only=False)
        connection.execute("use engagement")
        version = stored_version(connection)
        if version != latest_version():
            raise StoreVersionError(path, version, latest_version())
        if not is_current(connection):
            raise StoreError(
                f"{path}: its views were made by another engagement; write to it with that one, "
                "or make a new lake with `engagement lake init` and ingest the logs into it"
            )
        yield lake, connection


def digests(connection: duckdb.DuckDBPyConnection) -> dict[int, str]:
    """The digest of each drive that is in the lake, by its number."""
    return dict(connection.execute("select drive_id, digest from lake.unit").fetchall())
