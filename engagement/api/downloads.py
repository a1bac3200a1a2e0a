"""All rows of a view as one file: CSV, Parquet, or an Arrow stream.

A file is complete before its first byte is sent. So an error is a problem document and never half
a file, and a client with a slow connection keeps no query running. nginx can limit how many files
a client asks for, but not how many bytes of them wait to be sent.
"""

from __future__ import annotations

import asyncio
import errno
import gzip
import tempfile
import threading
import weakref
from collections import Counter
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from litestar import Response
from litestar.response import Stream

from engagement.api.answers import about, is_known, takes_gzip
from engagement.api.clients import client_group
from engagement.errors import QueryTooLargeError, ServerBusyError
from engagement.export import numbered
from engagement.export.csv_tables import csv_schema, inert_table
from engagement.store.limits import deadline_for_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from engagement.api.handlers import AnyRequest
    from engagement.api.rows import RowsQuery
    from engagement.api.settings import Settings

_CHUNK_BYTES = 1 << 18
_IN_MEMORY_BYTES = 1 << 20
_GZIP_LEVEL = 3
_WAIT_S = 5.0  # for a slot


@dataclass(frozen=True, slots=True)
class FileKind:
    """A format of files."""

    suffix: str
    media_type: str
    is_text: bool = False


CSV = FileKind("csv", "text/csv", is_text=True)
PARQUET = FileKind("parquet", "application/vnd.apache.parquet")
ARROW = FileKind("arrow", "application/vnd.apache.arrow.stream")


class FileBuffer:
    """A file that is written and then sent; in memory, or on disk if it is large.

    It is closed by the garbage collector at the latest: if a client goes away before the first byte
    is sent, no other code runs that could close it.
    """

    def __init__(self, limit: _BufferLimit, client: str) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - until it is sent
            max_size=_IN_MEMORY_BYTES
        )
        self._limit = limit
        self._size = _BufferSize(client)
        self.close = weakref.finalize(self, _close, self.file, limit, self._size)

    def grow(self) -> None:
        """Count what was written.

        Raises:
            ServerBusyError: If all buffers together are too large.
        """
        self._limit.grow(self._size, self.file.tell())


@dataclass(slots=True)
class _BufferSize:
    """How large one buffer is, and whose."""

    client: str
    n_bytes: int = 0


class _BufferLimit:
    """Limits the buffers of all clients: their number, the number of each client, their bytes."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Reentrant: the garbage collector may close a buffer while this thread holds the lock.
        self._lock = threading.RLock()
        self._n_files: Counter[str] = Counter()
        self._n_bytes = 0

    def open(self, client: str) -> FileBuffer:
        """Make a buffer.

        Raises:
            ServerBusyError: If there are too many, or too many of this client.
        """
        with self._lock:
            if self._n_files[client] >= self._settings.max_unsent_per_client:
                raise ServerBusyError("files that you asked for before have not been read yet")
            if self._n_files.total() >= self._settings.max_unsent:
                raise ServerBusyError("too many files have not been read yet")
            buffer = FileBuffer(self, client)
            self._n_files[client] += 1
        return buffer

    def grow(self, size: _BufferSize, n_bytes: int) -> None:
        """Count a buffer's new size."""
        with self._lock:
            if self._n_bytes + n_bytes - size.n_bytes > self._settings.unsent_bytes:
                raise ServerBusyError("files that have not been read yet leave no room for more")
            self._n_bytes += n_bytes - size.n_bytes
            size.n_bytes = n_bytes

    def remove(self, size: _BufferSize) -> None:
        """Count a buffer no more."""
        with self._lock:
            self._n_bytes -= size.n_bytes
            self._n_files[size.client] -= 1
            if not self._n_files[size.client]:
                del self._n_files[size.client]


class ConcurrencyLimit:
    """Limits how many files are made at once; one client can have half of the slots at most."""

    def __init__(self, n_at_once: int) -> None:
        self._n_at_once = n_at_once
        self._changed = threading.Condition()
        self._n_made: Counter[str] = Counter()

    @contextmanager
    def slot(self, client: str) -> Iterator[None]:
        """Wait up to some seconds for a slot, and hold it.

        Raises:
            ServerBusyError: If none gets free.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._has_slot(client), _WAIT_S):
                raise ServerBusyError("too many files are being made at once")
            self._n_made[client] += 1
        try:
            yield
        finally:
            with self._changed:
                self._n_made[client] -= 1
                if not self._n_made[client]:
                    del self._n_made[client]
                self._changed.notify_all()

    def _has_slot(self, client: str) -> bool:
        n_of_one = max(self._n_at_once // 2, 1)
        return self._n_made.total() < self._n_at_once and self._n_made[client] < n_of_one


def _close(file: IO[bytes], limit: _BufferLimit, size: _BufferSize) -> None:
    file.close()
    limit.remove(size)


class Downloads:
    """Makes files within the limits of number, size and time."""

    def __init__(self, settings: Settings) -> None:
        self._limit_bytes = settings.download_bytes
        self._time_limit_s = settings.download_time_limit_s
        self.slots = ConcurrencyLimit(settings.max_downloads)
        self._buffers = _BufferLimit(settings)

    def respond(self, request: AnyRequest, query: RowsQuery, kind: FileKind) -> Response[Any]:
        """Answer with a query's rows as a file, unless the client has it.

        Raises:
            ServerBusyError: If as many files are being made, or wait to be read, as may be.
            QueryTooLargeError: If it gets larger than it may.
        """
        is_gzip = kind.is_text and takes_gzip(request)
        headers = {
            **about(query.generation, is_numbered=numbered.is_numbered(query.view)),
            "vary": "accept-encoding",
            "content-disposition": f'attachment; filename="{query.view}.{kind.suffix}"',
        }
        if is_known(request, query.generation):
            return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        buffer = self._make(request, query, kind, is_gzip=is_gzip)
        headers["content-length"] = str(buffer.file.tell())
        if is_gzip:
            headers["content-encoding"] = "gzip"
        buffer.file.seek(0)
        return Stream(_chunks(buffer), media_type=kind.media_type, headers=headers)

    def _make(
        self, request: AnyRequest, query: RowsQuery, kind: FileKind, *, is_gzip: bool
    ) -> FileBuffer:
        client = client_group(request.client.host if request.client else "")
        buffer = self._buffers.open(client)
        try:
            with self.slots.slot(client), deadline_for_all(self._time_limit_s):
                self._write(query, kind, buffer, is_gzip=is_gzip)
        except BaseException:
            buffer.close()
            raise
        return buffer

    def _write(
        self, query: RowsQuery, kind: FileKind, buffer: FileBuffer, *, is_gzip: bool
    ) -> None:
        generation, file = query.generation, buffer.file
        with (
            generation.batches(
                query.sql, query.values, narrowing=query.narrowing, time_limit_s=self._time_limit_s
            ) as batches,
            _full_disk_is_busy(),
        ):
            schema = _described(query, batches.schema)
            is_numbered = kind is CSV and numbered.is_numbered(query.view)
            if is_numbered:
                schema = numbered.numbered_schema(schema)
            with (
                _gzipped(file) if is_gzip else nullcontext(file) as target,
                _writer(kind, target, schema) as writer,
            ):
                for batch in batches:
                    rows = batch
                    if is_numbered:
                        rows = numbered.numbered_batch(batch, generation.definitions)
                    table = pa.Table.from_batches([rows.cast(schema)])
                    writer.write_table(inert_table(table) if kind is CSV else table)
                    if file.tell() > self._limit_bytes:
                        raise QueryTooLargeError(f"more than {self._limit_bytes} bytes")
                    buffer.grow()
            file.flush()  # here, where a full disk is caught
        buffer.grow()


@contextmanager
def _full_disk_is_busy() -> Iterator[None]:
    """Report a full disk as a busy server, not as an error of the query."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ServerBusyError("there is no room on the disk for the file") from error
        raise


def _gzipped(file: IO[bytes]) -> gzip.GzipFile:
    return gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_GZIP_LEVEL, mtime=0)


def _described(query: RowsQuery, schema: pa.Schema) -> pa.Schema:
    """The schema with the columns' comments and the number of the definitions, if it has one."""
    fields = [
        field.with_metadata({"comment": query.columns[field.name].comment}) for field in schema
    ]
    about: dict[bytes | str, bytes | str] = {
        "view": query.view,
        "comment": query.generation.views()[query.view],
    }
    if numbered.is_numbered(query.view):
        about[numbered.COLUMN] = str(query.generation.definitions)
    return pa.schema(fields, metadata=about)


def _writer(kind: FileKind, target: Any, schema: pa.Schema) -> Any:
    if kind is CSV:
        return pa.csv.CSVWriter(target, csv_schema(schema))
    if kind is PARQUET:
        return pa.parquet.ParquetWriter(target, schema, compression="zstd")
    return pa.ipc.new_stream(target, schema)


async def _chunks(buffer: FileBuffer) -> AsyncIterator[bytes]:
    try:
        while chunk := await asyncio.to_thread(buffer.file.read, _CHUNK_BYTES):
            yield chunk
    finally:
        buffer.close()
