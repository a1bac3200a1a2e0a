"""All rows of a view as one file: CSV, Parquet, or a stream of Arrow's.

A file is written to the end before its first byte is sent. So an error is a problem document and
never half a file, and nobody's slow connection keeps a query going.
"""

from __future__ import annotations

import asyncio
import gzip
import tempfile
import threading
import weakref
from contextlib import nullcontext
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from litestar import Response
from litestar.response import Stream

from engagement.api.answers import etag, is_known
from engagement.errors import QueryTooLargeError, ServerBusyError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from engagement.api.handlers import AnyRequest
    from engagement.api.rows import RowsQuery
    from engagement.api.settings import Settings

_CHUNK_BYTES = 1 << 18
_IN_MEMORY_BYTES = 4 << 20
_GZIP_LEVEL = 3


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
    """A file in the making, in memory or on disk; closed when nothing refers to it any more.

    A client may go away before the first byte is sent, and then nobody is left to close it.
    """

    def __init__(self, slots: threading.Semaphore) -> None:
        self.file: IO[bytes] = tempfile.SpooledTemporaryFile(  # noqa: SIM115 - until it is sent
            max_size=_IN_MEMORY_BYTES
        )
        self.close = weakref.finalize(self, _give_back, self.file, slots)


def _give_back(file: IO[bytes], slots: threading.Semaphore) -> None:
    file.close()
    slots.release()


class Downloads:
    """The files that are being made or sent, and how many and how large they may be."""

    def __init__(self, settings: Settings) -> None:
        self._limit_bytes = settings.download_bytes
        self._time_limit_s = settings.download_time_limit_s
        self._slots = threading.BoundedSemaphore(settings.max_downloads)

    def respond(self, request: AnyRequest, query: RowsQuery, kind: FileKind) -> Response[Any]:
        """Answer with a query's rows as a file, unless the client has it."""
        is_gzip = kind.is_text and "gzip" in request.headers.get("accept-encoding", "")
        headers = {
            "etag": etag(query.generation),
            "vary": "accept-encoding",
            "content-disposition": f'attachment; filename="{query.view}.{kind.suffix}"',
        }
        if is_known(request, query.generation):
            return Response(b"", status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
        spool = self.open()
        try:
            self._write(query, kind, spool.file, is_gzip=is_gzip)
        except BaseException:
            spool.close()
            raise
        headers["content-length"] = str(spool.file.tell())
        if is_gzip:
            headers["content-encoding"] = "gzip"
        spool.file.seek(0)
        return Stream(_chunks(spool), media_type=kind.media_type, headers=headers)

    def open(self) -> Spool:
        """Begin a file.

        Raises:
            ServerBusyError: If there are as many as there may be.
        """
        if not self._slots.acquire(blocking=False):
            raise ServerBusyError("too many files are being made at once")
        return Spool(self._slots)

    def _write(self, query: RowsQuery, kind: FileKind, file: IO[bytes], *, is_gzip: bool) -> None:
        generation = query.generation
        with (
            generation.batches(
                query.sql, query.values, narrowing=query.narrowing, time_limit_s=self._time_limit_s
            ) as batches,
            _packed(file) if is_gzip else nullcontext(file) as target,
        ):
            schema = _described(query, batches.schema)
            with _writer(kind, target, schema) as writer:
                for batch in batches:
                    writer.write_batch(batch.cast(schema))
                    if file.tell() > self._limit_bytes:
                        raise QueryTooLargeError(f"more than {self._limit_bytes} bytes")


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
