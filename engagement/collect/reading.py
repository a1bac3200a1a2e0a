"""Contents of a device's files, each by whichever way is fastest there.

A `Source` gives some files in a fixed order. Where a shell answers properly, one command sends
them all, so that neither a shell's start nor the way there and back is paid for each:

    MARK LF content LF MARK status sum LF

Of a file that can't be read only the second half comes. The mark is random, so that no content can
pass for it; a log that has another size than it had can't shift what belongs to the next unnoticed.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from engagement.collect.connection import lost_connections
from engagement.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engagement.collect.connection import Connection, Stream
    from engagement.collect.device import RemoteLog
    from engagement.collect.hosts import Host

Request = tuple["RemoteLog", int]
"""A log, and the offset from which on it is wanted."""

_SCRIPT = (  # words of the shell itself wherever it has them: programs take their time to start
    "mark=$1; sums=$2; shift 2; while [ $# -gt 1 ]; do sum=; "
    'if [ -f "$2" ] && [ -r "$2" ]; then printf "%s\\n" "$mark"; '
    'if [ "$1" = 1 ]; then cat -- "$2"; else tail -c "+$1" -- "$2"; fi; status=$?; '
    '[ -z "$sums" ] || sum=$(sha256sum <"$2"); else status=1; fi; '
    'printf "\\n%s %d %s\\n" "$mark" "$status" "${sum%% *}"; shift 2; done'
)
_MAX_LINE_BYTES = 256
_N_FIELDS = 3
_PIECE_BYTES = 1 << 22  # asked for at once by SFTP
_BLOCK_BYTES = 1 << 15  # which it answers in blocks of
_COMPRESSORS = {"zst": ["zstd", "-q", "-3", "-c"], "bz2": ["bzip2", "-q", "-c"]}


class BusyError(RemoteError):
    """Another collect is bringing the same file."""


class ChangedError(RemoteError):
    """A log that is not what it was when it was listed."""


class Source(Protocol):
    """Gives the contents of some logs, in their order."""

    def is_ready_for(self, log: RemoteLog) -> bool:
        """Whether this log comes next."""

    def read(self, log: RemoteLog, offset: int) -> Iterator[bytes]:
        """Yield it in pieces, from an offset on.

        Raises:
            RemoteError: If it can't be read.
            ConnectionLostError: If the device goes away.
        """

    def sha256(self, log: RemoteLog) -> str:
        """The SHA-256 in hex, as the device has it, of what was read last.

        Raises:
            RemoteError: If it can't tell.
        """


class Batch:
    """Several files by one command."""

    def __init__(
        self, stream: Stream, host: Host, requests: Sequence[Request], mark: bytes
    ) -> None:
        self._stream = stream
        self._pieces = iter(stream)
        self._host = host
        self._requests = list(requests)
        self._mark = mark
        self._rest = b""
        self._sum = b""

    def is_ready_for(self, log: RemoteLog) -> bool:
        """Whether this log comes next."""
        return bool(self._requests) and self._requests[0][0] is log

    def read(self, log: RemoteLog, offset: int) -> Iterator[bytes]:
        """Yield the log's bytes; afterwards the next one is ready."""
        if offset != self._requests[0][1]:
            raise BusyError(self._host.name, f"{log.path!r}: its .part file changed meanwhile")
        if self._line() == self._mark:
            yield from self._bytes(log.size_bytes - offset)
            self._expect(not self._line())
        fields = self._line().split(b" ")
        self._expect(len(fields) == _N_FIELDS and fields[0] == self._mark)
        _, status, self._sum = fields
        self._requests.pop(0)
        if status != b"0":
            raise RemoteError(self._host.name, f"{log.path!r} can't be read")

    def sha256(self, log: RemoteLog) -> str:
        """The sum that came behind the log."""
        if not self._sum:
            problem = f"{log.path!r} can't be verified: there is no sha256sum"
            raise RemoteError(self._host.name, problem)
        return self._sum.lstrip(b"\\").decode("ascii", errors="replace")

    def _expect(self, is_in_step: bool) -> None:  # noqa: FBT001
        if not is_in_step:
            path = self._requests[0][0].path
            raise ChangedError(self._host.name, f"{path!r} has another size than it had")

    def _bytes(self, n_bytes: int) -> Iterator[bytes]:
        while n_bytes:
            piece = self._rest or self._more()
            self._rest = piece[n_bytes:]
            piece = piece[:n_bytes]
            self._expect(self._mark not in piece)  # the log has ended before its size
            n_bytes -= len(piece)
            yield piece

    def _line(self) -> bytes:
        while b"\n" not in self._rest[:_MAX_LINE_BYTES]:
            self._expect(len(self._rest) < _MAX_LINE_BYTES)
            self._rest += self._more()
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _more(self) -> bytes:
        piece = next(self._pieces, b"")
        if not piece:
            raise RemoteError(self._host.name, f"it ended early: {self._stream.finish().problem}")
        return piece


class _Compressed:
    """One file through a compressor that runs there, when nothing else needs to."""

    def __init__(self, connection: Connection, request: Request, codec: str) -> None:
        self._connection = connection
        self._log = request[0]
        self._codec = codec

    def is_ready_for(self, log: RemoteLog) -> bool:
        """Whether it is this log."""
        return log is self._log

    def read(self, log: RemoteLog, offset: int) -> Iterator[bytes]:  # noqa: ARG002 - always 0
        """Yield what the compressor writes."""
        words = ["nice", "-n", "19", *_COMPRESSORS[self._codec], "--", log.path]
        with self._connection.stream(words) as stream:
            yield from stream
            answer = stream.finish()
        if answer.status:
            raise RemoteError(self._connection.host.name, answer.problem)

    def sha256(self, log: RemoteLog) -> str:
        """The sum of the log before it is compressed."""
        answer = self._connection.run(["sha256sum", "--", log.path])
        if answer.status:
            problem = f"{log.path!r} can't be verified: {answer.problem}"
            raise RemoteError(self._connection.host.name, problem)
        return answer.stdout.decode("ascii", errors="replace").lstrip("\\")[:64]


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
        with lost_connections(host):
            try:
                with self._connection.sftp().open(log.path, "rb") as file:
                    for start in range(offset, log.size_bytes, _PIECE_BYTES):
                        end = min(start + _PIECE_BYTES, log.size_bytes)
                        blocks = range(start, end, _BLOCK_BYTES)
                        yield from file.readv([(b, min(_BLOCK_BYTES, end - b)) for b in blocks])
            except (FileNotFoundError, PermissionError) as error:
                reason = (error.strerror or str(error)).lower()
                raise RemoteError(host.name, f"{log.path!r}: {reason}") from error

    def sha256(self, log: RemoteLog) -> str:
        """Can't be had."""
        problem = f"{log.path!r} can't be verified: the device runs no commands"
        raise RemoteError(self._connection.host.name, problem)


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
        mark = secrets.token_hex(16)
        words = ["sh", "-c", _SCRIPT, "sh", mark, "1" if with_sums else ""]
        words += [word for log, offset in requests for word in (str(offset + 1), log.path)]
        with connection.stream(words) as stream:
            yield Batch(stream, connection.host, requests, mark.encode())


def compressor_of(codec: str) -> str:
    """The program that makes a codec."""
    return _COMPRESSORS[codec][0]
