"""Published generations of a database file, and the one writer that makes the next.

DuckDB lets one process write a file and locks everyone else out, readers included. So the writer
works on a private copy beside the file and puts it in place with `os.replace`: readers keep the
snapshot that they have open, and a writer that is killed leaves the last published file. A lock
file keeps two writers apart; the kernel drops the lock with its process.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Self

import duckdb

from engagement.errors import StoreBusyError, StoreError, StoreLockedError
from engagement.store.reader import Reader
from engagement.store.schema import create, latest_version, stored_version

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The newest storage format that all supported DuckDB versions can open.
_STORAGE_VERSION = "v1.5.0"
_SCHEMAS = {"log", "store", "staging", "compute", "result"}
_COPY_BYTES = 1 << 30

_FAILURES = (duckdb.OperationalError, duckdb.FatalException, OSError)  # of disk and memory


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Hold the database's writer lock.

    Raises:
        StoreBusyError: If another process holds it.
        StoreLockedError: If another program has the database open for writing.
        StoreError: If the folder can't be written to.
    """
    lock_path = path.with_name(path.name + ".lock")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = lock_path.open("a+")
    except OSError as error:
        raise StoreError(f"{path}: can't write there: {error.strerror}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            holder = lock.read().strip() or "another process"
            raise StoreBusyError(path, holder) from error
        lock.truncate(0)
        lock.write(f"process {os.getpid()}")
        lock.flush()
        _refuse_foreign_writer(path)
        yield


def _refuse_foreign_writer(path: Path) -> None:
    """Refuse a file that DuckDB has open for writing elsewhere: a copy could be inconsistent."""
    if not path.exists():
        return
    try:
        file = path.open("rb")
    except OSError as error:
        raise StoreError(f"{path}: can't read it: {error.strerror}") from error
    with file:
        try:
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            Reader(path, any_version=True).close()  # DuckDB's own refusal says who it is
            raise StoreLockedError(path, "another program") from error


class Writer:
    """Writes the next generation of a database; use it under `writer_lock`.

    Leaving the context without `publish` discards what was not published.

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
    ) -> None:
        self.path = path
        self._parameters_file = parameters_file
        self._reset_parameters = reset_parameters
        self._config: dict[str, str | bool | int | float | list[str]] = {
            "storage_compatibility_version": _STORAGE_VERSION,
            "memory_limit": memory_limit,
            # Rows of the running transaction have no statistics: DuckDB takes them for few, and a
            # loop over all pairs for the fastest join.
            "asof_loop_join_threshold": 0,
        }
        self._private = path.with_name(_private_name(path))
        self.connection = self._open()
        self._is_migrated = False
        self.is_outdated = self._create()

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
        is_complete = complete or self._is_migrated
        self.connection.execute(
            "update store.state set generation = generation + 1, "
            "published_at_utc = now() at time zone 'utc'"
        )
        self.connection.execute("checkpoint")
        self.connection.close()
        if is_complete:
            self._rewrite()
        _sync(self._private)
        self._refuse_changed()
        _wal(self.path).unlink(missing_ok=True)
        self._private.replace(self.path)
        _sync(self.path.parent)
        self._is_migrated = False
        if reopen:
            self.connection = self._open()

    def _rewrite(self) -> None:
        """Copy all that is in the private copy to a new file, which takes its place."""
        rewritten = _rewritten(self._private)
        config = {**self._config, "temp_directory": f"{rewritten}.tmp"}
        with duckdb.connect(config=config) as connection:
            connection.execute(f"attach {_quoted(self._private)} as old (read_only)")
            connection.execute(
                f"attach {_quoted(rewritten)} as new (storage_version '{_STORAGE_VERSION}')"
            )
            connection.execute("copy from database old to new")
        rewritten.replace(self._private)

    def _refuse_changed(self) -> None:
        """Refuse to replace a database that another program has changed since it was copied."""
        _refuse_foreign_writer(self.path)
        if _version(self.path) != self._copied_version:
            raise StoreError(f"{self.path}: another program wrote to it meanwhile; ingest again")

    def _open(self) -> duckdb.DuckDBPyConnection:
        self._clear()
        self._copied_version = _version(self.path)
        try:
            if self.path.exists():
                _copy(self.path, self._private)
                if _wal(self.path).exists():
                    _copy(_wal(self.path), _wal(self._private))
            return duckdb.connect(str(self._private), config=self._config)
        except (duckdb.Error, OSError) as error:
            self._clear()
            raise self._failure(error) from error

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
        for path in (self._private, _rewritten(self._private)):
            path.unlink(missing_ok=True)
            _wal(path).unlink(missing_ok=True)
            shutil.rmtree(f"{path}.tmp", ignore_errors=True)


def _private_name(path: Path) -> str:
    """What the private copy is called; DuckDB calls the database by its name up to the first dot.

    A database that is called like one of its own schemas can't be told from that.
    """
    is_ambiguous = path.name.split(".", 1)[0] in _SCHEMAS
    return f"{'engagement.' if is_ambiguous else ''}{path.name}.next"


def _rewritten(private: Path) -> Path:
    return private.with_name(private.name + ".new")


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def _version(path: Path) -> list[tuple[int, int, int]]:
    """Inode, size and time of the database and its write-ahead log: a write changes them."""
    found = [file.stat() for file in (path, _wal(path)) if file.exists()]
    return [(status.st_ino, status.st_size, status.st_mtime_ns) for status in found]


def _wal(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy(source: Path, target: Path) -> None:
    """Copy in the kernel, which shares the blocks if the file system can do that."""
    if not hasattr(os, "copy_file_range"):
        shutil.copyfile(source, target)
        return
    with source.open("rb") as reader, target.open("wb") as writer:
        left = os.fstat(reader.fileno()).st_size
        with suppress(OSError):
            while left > 0:
                copied = os.copy_file_range(
                    reader.fileno(), writer.fileno(), min(left, _COPY_BYTES)
                )
                if not copied:
                    break
                left -= copied
    if left > 0:
        shutil.copyfile(source, target)
