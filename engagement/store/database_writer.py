"""Published generations of a database file, and the one writer that makes the next.

DuckDB lets one process write a file and locks everyone else out, readers included. So the writer
works on a private copy beside the file and exchanges their names: readers keep the snapshot that
they have open, and a writer that is killed leaves the last published file. What was replaced is
kept for the next copy, for which only the blocks that differ are written. The database stays what
it was: its mode and owner, and a link that leads to it.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import duckdb

from engagement.errors import StoreError
from engagement.store.database_path import real_database
from engagement.store.disk_use import ONE_COPY
from engagement.store.generation_files import (
    clone,
    copy,
    keep_attributes,
    put_wal_aside,
    settle_wal_aside,
    sync,
    version,
    wal,
)
from engagement.store.lake_file import refuse_lake
from engagement.store.previous import exchange, renew, retire, stamp
from engagement.store.schema import (
    create,
    latest_version,
    note_beginning,
    refuse_views_as_tables,
    stored_version,
)
from engagement.store.template import copy_template, forget_template, keep_template
from engagement.store.writer_lock import hold_file, refuse_foreign_writer, writer_lock

if TYPE_CHECKING:
    from pathlib import Path
    from typing import BinaryIO

__all__ = ["Writer", "writer_lock"]

# The newest storage format that all supported DuckDB versions can open.
_STORAGE_VERSION = "v1.5.0"
# Nobody goes on from a copy whose writer was killed, so a log of its changes would be of no use.
_WRITTEN = "(type duckdb, recovery_mode no_wal_writes)"

_FAILURES = (duckdb.OperationalError, duckdb.FatalException, OSError)  # of disk and memory


class Writer:
    """Writes the next generation of a database; use it under `writer_lock`.

    Leaving the context without `publish` discards what was not published. A database may be a
    stranger's: its views can read no other file than `reads`, and no extension is loaded.

    Raises:
        StoreError: If DuckDB can't open the database, or the disk is full; also on leaving.
    """

    def __init__(
        self,
        path: Path,
        *,
        parameters_file: Path | None = None,
        reset_parameters: bool = False,
        memory_limit: str = "128MB",
        reads: Path | None = None,
    ) -> None:
        refuse_lake(path, "this writes to")
        self.path = path
        self._parameters_file = parameters_file
        self._reads = reads
        self._reset_parameters = reset_parameters
        self._database = real_database(path)
        self._private = self._database.with_name(self._database.name + ".next")
        self._previous = self._database.with_name(self._database.name + ".previous")
        self._scratch = self._private.with_name(self._private.name + ".tmp")
        self._config: dict[str, str | bool | int | float | list[str]] = {
            "storage_compatibility_version": _STORAGE_VERSION,
            "memory_limit": memory_limit,
            "temp_directory": str(self._scratch),
            # Rows of the running transaction have no statistics: DuckDB takes them for few, and a
            # loop over all pairs for the fastest join.
            "asof_loop_join_threshold": 0,
            "autoload_known_extensions": False,
            "autoinstall_known_extensions": False,
        }
        is_new = not self._database.exists()
        self._held: BinaryIO | None = None
        self.connection = self._open()
        self._is_migrated = False
        self.is_outdated = self._create() or is_new
        if is_new:
            note_beginning(self.connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: object, _traceback: object) -> None:
        self.connection.close()
        self._clear()
        if isinstance(error, _FAILURES):
            raise self._failure(error) from error

    def publish(self, *, reopen: bool = False, complete: bool = False) -> None:
        """Put the private copy in the database's place, whole or not at all.

        Args:
            reopen: Whether to continue with a copy of what was published.
            complete: Whether what was removed must be nowhere any more: the file is written anew,
                as DuckDB leaves the bytes of removed rows in it, and no earlier generation of it
                is kept beside it. The first one after a migration always is.
        """
        self.connection.execute(
            "update store.state set generation = generation + 1, "
            "published_at_utc = now() at time zone 'utc'"
        )
        self.connection.execute("checkpoint")
        self.connection.close()
        is_complete = complete or self._is_migrated
        if is_complete:
            self._rewrite()
        if self._database.exists():
            keep_attributes(self._database, self._private)
        stamp(self._private)
        sync(self._private)
        self._refuse_changed()
        put_wal_aside(self._database)  # the copy has what it says
        self._replace(has_previous=not (is_complete or self._is_cloned or ONE_COPY.get()))
        settle_wal_aside(self._database)
        self._is_migrated = False
        if reopen:
            self.connection = self._open()

    def _rewrite(self) -> None:
        """Copy all that is in the private copy to a new file, which takes its place."""
        self._scratch.mkdir(mode=0o700, exist_ok=True)
        rewritten = self._scratch / self._private.name
        with duckdb.connect(config=self._config) as connection:
            old = f"attach {_quoted(self._private)} as old (type duckdb, read_only)"
            connection.execute(old)
            connection.execute(f"attach {_quoted(rewritten)} as new {_WRITTEN}")
            connection.execute("copy from database old to new")
            connection.execute("checkpoint new")
        rewritten.replace(self._private)

    def _replace(self, *, has_previous: bool) -> None:
        """Put the copy in the database's place; see `engagement.store.previous` of what was there.

        What is in the copy is on the disk by now, so after a power cut, too, either is whole.
        """
        if has_previous and self._database.exists():
            is_there = exchange(self._private, self._database)
            sync(self._database.parent)
            if is_there:
                retire(self._private, self._previous)
            return
        self._private.replace(self._database)
        self._previous.unlink(missing_ok=True)
        sync(self._database.parent)

    def _refuse_changed(self) -> None:
        """Refuse to replace a database that another program has changed since it was copied."""
        refuse_foreign_writer(self.path)
        if version(self._database) != self._copied_version:
            raise StoreError(f"{self.path}: another program wrote to it meanwhile; ingest again")

    def _open(self) -> duckdb.DuckDBPyConnection:
        self._clear()
        self._is_cloned = is_renewed = False
        try:
            if self._database.exists():
                self._held = hold_file(self._database)
                settle_wal_aside(self._database)
            self._copied_version = version(self._database)
            self._scratch.mkdir(mode=0o700)
            if not self._database.exists():
                return self._begin()
            is_renewed = self._copy()
            try:
                return self._attach()
            except duckdb.IOException:
                if not is_renewed:
                    raise
            # A reader was about to open it, before it was replaced, and has it now.
            self._private.unlink()
            self._copy()
            return self._attach()
        except BaseException as error:
            self._clear()
            if isinstance(error, (duckdb.Error, OSError)):
                raise self._failure(error) from error
            raise

    def _copy(self) -> bool:
        """Make the private copy, as cheaply as can be; True if of the previous generation."""
        self._is_cloned = clone(self._database, self._private)
        is_renewed = not self._is_cloned and renew(self._previous, self._private, self._database)
        if not is_renewed:
            self._previous.unlink(missing_ok=True)
        if not (self._is_cloned or is_renewed):
            copy(self._database, self._private)
        wal(self._private).unlink(missing_ok=True)
        if wal(self._database).exists():
            copy(wal(self._database), wal(self._private))
        return is_renewed

    def _begin(self) -> duckdb.DuckDBPyConnection:
        """A database without drives: a copy of the template, which is made where there is none."""
        if copy_template(self._private):
            with suppress(duckdb.Error):
                return self._attach()
            forget_template()
            self._private.unlink()
        connection = self._attach()
        try:
            create(connection, path=self.path)
            connection.execute("checkpoint")
        finally:
            connection.close()
        keep_template(self._private)
        return self._attach()

    def _attach(self) -> duckdb.DuckDBPyConnection:
        connection = duckdb.connect(config=self._config)
        try:
            connection.execute(f"attach {_quoted(self._private)} as engagement {_WRITTEN}")
            connection.execute("use engagement")
            # The database may be a stranger's: whatever its views say, no other file is read.
            if self._reads:
                both = f"{_quoted(self._reads)}, {_quoted(wal(self._reads))}"
                connection.execute(f"set allowed_paths = [{both}]")
            connection.execute("set enable_external_access = false")
            refuse_views_as_tables(connection, self.path)
        except BaseException:
            connection.close()
            raise
        return connection

    def _create(self) -> bool:
        try:
            self._is_migrated = 0 < stored_version(self.connection) < latest_version()
            return create(
                self.connection,
                self._parameters_file,
                reset_parameters=self._reset_parameters,
                path=self.path,
            )
        except BaseException as error:
            self.connection.close()
            self._clear()
            if isinstance(error, _FAILURES):
                raise self._failure(error) from error
            raise

    def _failure(self, error: Exception) -> StoreError:
        reason = str(error).split("\n", 1)[0]
        return StoreError(f"{self.path}: can't make its next generation: {reason}")

    def _clear(self) -> None:
        if self._held:
            self._held.close()
        for suffix in ("", ".wal", ".old"):
            self._private.with_name(self._private.name + suffix).unlink(missing_ok=True)
        shutil.rmtree(self._scratch, ignore_errors=True)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
