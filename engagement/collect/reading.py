"""Reads the contents of a device's files in the fastest way that the device supports."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from engagement.collect.batch import open_batch
from engagement.collect.connection import lost_connections
from engagement.collect.faults import ChangedError, GoneError, check_end
from engagement.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engagement.collect.batch import Request
    from engagement.collect.connection import Connection
    from engagement.collect.remote_log import RemoteLog

_PIECE_BYTES = 1 << 22  # asked for at once by SFTP
_BLOCK_BYTES = 1 << 15  # which it answers in blocks of
COMPRESSORS = {"zst": ["zstd", "-q", "-3", "-c"], "bz2": ["bzip2", "-q", "-c"]}
"""Of a codec, the program that makes it, and its options."""


class Source(Protocol):
    """Gives the contents of some logs, in their order."""

    def is_ready_for(self, log: RemoteLog) -> bool:
        """Whether this log comes next."""

    def read(self, log: RemoteLog, offset: int) -> Iterator[bytes]:
        """Yield it in pieces, from an offset on.

        Raises:
            GoneError: If it is no longer there.
            ChangedError: If it has changed.
            RemoteError: If it can't be read.
            ConnectionLostError: If the device goes away.
        """

    def sha256(self, log: RemoteLog) -> str:
        """The SHA-256 in hex, as the device has it, of what was read last.

        Raises:
            RemoteError: If it can't tell.
        """


class _Compressed:
    """One file through a compressor on the device."""

    def __init__(self, connection: Connection, request: Request, codec: str) -> None:
        self._connection = connection
        self._log = request[0]
        self._codec = codec

    def is_ready_for(self, log: RemoteLog) -> bool:
        """Whether it is this log."""
        return log is self._log

    def read(self, log: RemoteLog, offset: int) -> Iterator[bytes]:  # noqa: ARG002 - always 0
        """Yield what the compressor writes."""
        words = ["nice", "-n", "19", *COMPRESSORS[self._codec], "--", log.path]
        with self._connection.stream(words) as stream:
            yield from stream
            answer = stream.finish()
        host = self._connection.host.name
        check_end(host, answer)
        if answer.status:
            if self._connection.run(["test", "-e", log.path]).status == 1:
                raise GoneError(host, f"{log.path!r} is gone")
            raise RemoteError(host, answer.problem)

    def sha256(self, log: RemoteLog) -> str:
        """The sum of the log before it is compressed."""
        with open_batch(self._connection, [(log, 0)], start="", with_sums=True) as batch:
            return batch.check(log)


class _Files:
    """Files by SFTP."""

    def __init__(self, connection: Connection, requests: Sequence[Request]) -> None:
        self._connection = connection
        self._requests = list(requests)

    def is_ready_for(self, log: RemoteLog) -> bool:
        """Any log is."""
        return any(log is wanted for wanted, _ in self._requests)

    def read(self, log: RemoteLog, offset: int) -> Iterator[bytes]:
        """Yield the log's bytes."""
        host = self._connection.host
        path = log.path.encode(errors="surrogateescape")
        with (
            lost_connections(host),
            remote_files(self._connection, log.path),
            self._connection.sftp().open(path, "rb") as file,
        ):
            for start in range(offset, log.size_bytes, _PIECE_BYTES):
                end = min(start + _PIECE_BYTES, log.size_bytes)
                blocks = range(start, end, _BLOCK_BYTES)
                yield from file.readv([(b, min(_BLOCK_BYTES, end - b)) for b in blocks])
            found = file.stat()
        if (found.st_size, found.st_mtime) != (log.size_bytes, log.mtime_ns // 10**9):
            raise ChangedError(host.name, f"{log.path!r} has changed while it came")

    def sha256(self, log: RemoteLog) -> str:
        """Can't be had."""
        problem = f"{log.path!r} can't be verified: the device runs no commands"
        raise RemoteError(self._connection.host.name, problem)


@contextmanager
def remote_files(connection: Connection, path: str) -> Iterator[None]:
    """Tell errors of a file or folder from errors of the connection.

    Raises:
        GoneError: If it is not there.
        RemoteError: If the device refuses it.
        EOFError, OSError, paramiko.SSHException: If the connection is lost.
    """
    name = connection.host.name
    try:
        yield
    except FileNotFoundError as error:
        raise GoneError(name, f"{path!r} is gone") from error
    except PermissionError as error:
        raise RemoteError(name, f"{path!r}: permission denied there") from error
    except OSError as error:
        channel = connection.sftp().get_channel()
        if isinstance(error, TimeoutError) or channel is None or channel.closed:
            raise
        raise RemoteError(name, f"{path!r}: {str(error).lower()}") from error


@contextmanager
def open_source(
    connection: Connection,
    requests: Sequence[Request],
    *,
    codec: str | None,
    has_shell: bool,
    with_sums: bool,
) -> Iterator[Source]:
    """Ask for some files, or with a codec for one.

    Raises:
        ConnectionLostError: If the device goes away.
    """
    if codec:
        yield _Compressed(connection, requests[0], codec)
    elif not has_shell:
        yield _Files(connection, requests)
    else:
        start = str(requests[0][1] + 1)
        with open_batch(connection, requests, start=start, with_sums=with_sums) as batch:
            yield batch
