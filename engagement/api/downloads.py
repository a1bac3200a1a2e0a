"""All rows of a view as one file: CSV, Parquet, or a stream of Arrow's.

A file is written to the end before its first byte is sent. So an error is a problem document and
never half a file, and nobody's slow connection keeps a query going, or others from theirs.
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

from engagement.api.addresses import client_group
from engagement.api.answers import etag, is_known
from engagement.api.encodings import takes_gzip
from engagement.errors import QueryTooLargeError, ServerBusyError
from engagement.store.deadlines import deadline_for_all

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from engagement.api.handlers import AnyRequest
    from engagement.api.rows import RowsQuery
    from engagement.api.settings import Settings

_CHUNK_BYTES = 1 << 18
_IN_MEMORY_BYTES = 1 << 20
_GZIP_LEVEL = 3
_WAIT_S = 5.0  # for a turn


@dataclass(frozen=True, slots=True)
class FileKind:
    """A format of files."""

    suffix: str
    media_type: str
    is_text: bool = False


CSV = FileKind("csv", "text/csv", is_text=True)
PARQUET = FileKind("parquet", "application/vnd.apache.parquet")
ARROW = FileKind("arrow", "application/vnd.apache.arrow.stream")


class Spool:
    """A file that is made and then sent, in memory or on disk, where it has no name.

    It is closed when nothing refers to it any more: a client may go away before the first byte is
    sent, and then nobody is left to close it.
    """

    def __init__(self, shelf: _Shelf, client: str) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - until it is sent
            max_size=_IN_MEMORY_BYTES
        )
        self._shelf = shelf
        self._place = _Place(client)
        self.close = weakref.finalize(self, _give_back, self.file, shelf, self._place)

    def grow(self) -> None:
        """Account for what was written.

        Raises:
            ServerBusyError: If there is no room for all the files that wait to be read.
        """
        self._shelf.grow(self._place, self.file.tell())


@dataclass(slots=True)
class _Place:
    """What one file takes up, and for whom."""

    client: str
    n_bytes: int = 0


class _Shelf:
    """The files that are made or sent: how many, whose, and how many bytes all together."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # Of the thread that holds it too: a file may be given back whenever memory is tidied up.
        self._lock = threading.RLock()
        self._n_files: Counter[str] = Counter()
        self._n_bytes = 0

    def put(self, client: str) -> Spool:
        """Begin a file.

        Raises:
            ServerBusyError: If there are as many as there may be, or as many of this client.
        """
        with self._lock:
            if self._n_files[client] >= self._settings.max_unsent_per_client:
                raise ServerBusyError("files that you asked for before have not been read yet")
            if self._n_files.total() >= self._settings.max_unsent:
                raise ServerBusyError("too many files have not been read yet")
            spool = Spool(self, client)
            self._n_files[client] += 1
        return spool

    def grow(self, place: _Place, n_bytes: int) -> None:
        """Account for a file's size."""
        with self._lock:
            if self._n_bytes + n_bytes - place.n_bytes > self._settings.unsent_bytes:
                raise ServerBusyError("files that have not been read yet leave no room for more")
            self._n_bytes += n_bytes - place.n_bytes
            place.n_bytes = n_bytes

    def take(self, place: _Place) -> None:
        """End a file."""
        with self._lock:
            self._n_bytes -= place.n_bytes
            self._n_files[place.client] -= 1
            if not self._n_files[place.client]:
                del self._n_files[place.client]


class Turns:
    """Turns at making a file; half of those that there are at once are left to other clients."""

    def __init__(self, n_at_once: int) -> None:
        self._n_at_once = n_at_once
        self._changed = threading.Condition()
        self._n_made: Counter[str] = Counter()

    @contextmanager
    def turn(self, client: str) -> Iterator[None]:
        """Wait a little for a turn, and have it.

        Raises:
            ServerBusyError: If none comes.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: self._may(client), _WAIT_S):
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

    def _may(self, client: str) -> bool:
        n_of_one = max(self._n_at_once // 2, 1)
        return self._n_made.total() < self._n_at_once and self._n_made[client] < n_of_one


def _give_back(file: IO[bytes], shelf: _Shelf, place: _Place) -> None:
    file.close()
    shelf.take(place)


class Downloads:
    """The files that are being made or sent, and how many and how large they may be."""

    def __init__(self, settings: Settings) -> None:
        self._limit_bytes = settings.download_bytes
        self._time_limit_s = settings.download_time_limit_s
        self.turns = Turns(settings.max_downloads)
        self._shelf = _Shelf(settings)

    def respond(self, request: AnyRequest, query: RowsQuery, kind: FileKind) -> Response[Any]:
        """Answer with a query's rows as a file, unless the client has it.

        Raises:
            ServerBusyError: If as many files are being made, or wait to be read, as may be.
            QueryTooLargeError: If it gets larger than it may.
        """
        is_gzip = kind.is_text and takes_gzip(request)
        headers = {
            "etag": etag(query.generation),
            "vary": "accept-encoding",
            "content-disposition": f'attachment; filename="{query.view}.{kind.suffix}"',
        }
        if is_known(request, query.generation):
            return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        spool = self._make(request, query, kind, is_gzip=is_gzip)
        headers["content-length"] = str(spool.file.tell())
        if is_gzip:
            headers["content-encoding"] = "gzip"
        spool.file.seek(0)
        return Stream(_chunks(spool), media_type=kind.media_type, headers=headers)

    def _make(
        self, request: AnyRequest, query: RowsQuery, kind: FileKind, *, is_gzip: bool
    ) -> Spool:
        client = client_group(request.client.host if request.client else "")
        spool = self._shelf.put(client)
        try:
            with self.turns.turn(client), deadline_for_all(self._time_limit_s):
                self._write(query, kind, spool, is_gzip=is_gzip)
        except BaseException:
            spool.close()
            raise
        return spool

    def _write(self, query: RowsQuery, kind: FileKind, spool: Spool, *, is_gzip: bool) -> None:
        generation, file = query.generation, spool.file
        with (
            generation.batches(
                query.sql, query.values, narrowing=query.narrowing, time_limit_s=self._time_limit_s
            ) as batches,
            _knowing_full_disks(),
        ):
            schema = _described(query, batches.schema)
            with (
                _packed(file) if is_gzip else nullcontext(file) as target,
                _writer(kind, target, schema) as writer,
            ):
                for batch in batches:
                    writer.write_batch(batch.cast(schema))
                    if file.tell() > self._limit_bytes:
                        raise QueryTooLargeError(f"more than {self._limit_bytes} bytes")
                    spool.grow()
            file.flush()  # here, where a full disk is known as such
        spool.grow()


@contextmanager
def _knowing_full_disks() -> Iterator[None]:
    """Tell a full disk, which is the server's trouble, from what is wrong with a query."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise ServerBusyError("there is no room on the disk for the file") from error
        raise


def _packed(file: IO[bytes]) -> gzip.GzipFile:
    return gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_GZIP_LEVEL, mtime=0)


def _described(query: RowsQuery, schema: pa.Schema) -> pa.Schema:
    """The schema with what the columns mean."""
    fields = [
        field.with_metadata({"comment": query.columns[field.name].comment}) for field in schema
    ]
    title = query.generation.views()[query.view]
    return pa.schema(fields, metadata={"view": query.view, "comment": title})


def _writer(kind: FileKind, target: Any, schema: pa.Schema) -> Any:
    if kind is CSV:
        return pa.csv.CSVWriter(target, schema)
    if kind is PARQUET:
        return pa.parquet.ParquetWriter(target, schema, compression="zstd")
    return pa.ipc.new_stream(target, schema)


async def _chunks(spool: Spool) -> AsyncIterator[bytes]:
    try:
        while chunk := await asyncio.to_thread(spool.file.read, _CHUNK_BYTES):
            yield chunk
    finally:
        spool.close()
