"""Many files by one command: starting a program for each takes longer than a small log does.

    MARK state LF                   of each log: its SHA-256 if wanted, else `-`, `gone` or `closed`
    ==> path <== LF content LF      of each that can be read, as `tail` prints several files
    ==> /dev/null <== LF LF
    MARK status LF

A log's content is followed by the header of a later log, or by the last header, so a log whose size
has changed is noticed and can't shift the contents of the next. `tail` skips a file that it can't
open: a log that was deleted meanwhile. The mark is random, so that no content can contain it: if it
comes too early, it has the reason, and the bytes before it belong to the log.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, NoReturn

from engagement.collect.faults import (
    FIRST_FATAL_STATUS,
    BusyError,
    ChangedError,
    GoneError,
    KilledError,
)
from engagement.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engagement.collect.connection import Connection, Stream
    from engagement.collect.hosts import Host
    from engagement.collect.remote_log import RemoteLog

Request = tuple["RemoteLog", int]
"""A log, and the offset from which on it is wanted; logs of one batch have the same."""

_IS_READABLE = '[ -f "$file" ] && [ -r "$file" ]'
SCRIPT = (  # the mark, whether sums are wanted, from which byte on contents are or "", paths
    "mark=$1 sums=$2 start=$3; shift 3; some=; for file do state=-; "
    'if [ ! -e "$file" ]; then state=gone some=1; '
    f"elif ! {{ {_IS_READABLE}; }}; then state=closed some=1; "
    'elif [ "$sums" ]; then state=$(sha256sum <"$file"); fi; '
    'printf "%s %s\\n" "$mark" "${state%% *}"; done; '
    # Only now, as it takes a while, and without those that can't be read.
    f'[ -z "$some" ] || for file do shift; if {_IS_READABLE}; then set -- "$@" "$file"; fi; done; '
    '[ -z "$start" ] || tail -c "+$start" -- "$@" /dev/null; printf "\\n%s %d\\n" "$mark" "$?"'
)
_LAST = "/dev/null"  # is sent after the logs: its header proves that they are complete
_MAX_LINE_BYTES = 256
_N_HEX_OF_SUM = 64


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
        self._end = b"\n" + mark
        self._rest = b""
        self._states: list[bytes] = []
        self._sum = b""

    def is_ready_for(self, log: RemoteLog) -> bool:
        """Whether this log comes next."""
        return bool(self._requests) and self._requests[0][0] is log

    def read(self, log: RemoteLog, offset: int) -> Iterator[bytes]:
        """Yield the log's bytes; afterwards the next one is ready."""
        if offset != self._requests[0][1]:
            raise BusyError(self._host.name, f"{log.path!r}: its .part file changed meanwhile")
        self._begin()
        self._take_state(log)
        self._go_on()
        self._pass_header(log)
        yield from self._bytes(log, log.size_bytes - offset)
        if not self._is_at_header():
            self._fail(log)

    def check(self, log: RemoteLog) -> str:
        """The log's sum, of a command that sends no contents; afterwards the next one is ready."""
        self._states = [self._state()]
        self._take_state(log)
        self._go_on()
        return self.sha256(log)

    def sha256(self, log: RemoteLog) -> str:
        """The sum that came before the log."""
        if len(self._sum) != _N_HEX_OF_SUM:
            problem = f"{log.path!r} can't be verified: there is no sha256sum"
            raise RemoteError(self._host.name, problem)
        return self._sum.decode("ascii", errors="replace")

    def _begin(self) -> None:
        """Read the lines before the contents."""
        if not self._states:
            self._states = [self._state() for _ in self._requests]
            self._rest = b"\n" + self._rest  # then all headers are alike

    def _state(self) -> bytes:
        mark, _, state = self._line().partition(b" ")
        if mark != self._mark:
            raise RemoteError(self._host.name, "it does not answer as it should")
        return state

    def _take_state(self, log: RemoteLog) -> None:
        """Read the state of the next log."""
        state = self._states[0]
        if not _is_readable(state):
            self._go_on()
            if state == b"gone":
                raise GoneError(self._host.name, f"{log.path!r} is gone")
            raise RemoteError(self._host.name, f"{log.path!r} can't be read")
        self._sum = state

    def _go_on(self) -> None:
        """Prepare for the next log."""
        self._states.pop(0)
        self._requests.pop(0)

    def _pass_header(self, log: RemoteLog) -> None:
        """Read the header of a log."""
        header = _header(log.path)
        if self._starts_with(header):
            self._rest = self._rest[len(header) :]
        elif self._is_at_header():
            raise GoneError(self._host.name, f"{log.path!r} went before it could be opened")
        else:
            self._fail(log)

    def _is_at_header(self) -> bool:
        """Whether the header of a later log comes next, or the last header."""
        logs = zip(self._requests, self._states, strict=True)
        paths = (log.path for (log, _), state in logs if _is_readable(state))
        return any(self._starts_with(_header(path)) for path in chain(paths, [_LAST]))

    def _bytes(self, log: RemoteLog, n_bytes: int) -> Iterator[bytes]:
        """Yield so many, but none of the mark."""
        while n_bytes:
            self._rest = self._rest or self._more()
            n_now = _start_of(self._end, self._rest, n_bytes)
            if not n_now and self._starts_with(self._end):
                self._fail(log)
            piece, self._rest = self._rest[:n_now], self._rest[n_now:]
            n_bytes -= n_now
            if piece:
                yield piece

    def _fail(self, log: RemoteLog) -> NoReturn:
        """Raise why the expected bytes do not come; nothing more can be read."""
        self._requests, self._states = [], []
        if self._starts_with(self._end):
            self._rest = self._rest[1:]
            status = self._line().rpartition(b" ")[2]
            if status.isdigit() and int(status) >= FIRST_FATAL_STATUS:
                raise KilledError(self._host.name, "what sends the logs was ended there")
        raise ChangedError(self._host.name, f"{log.path!r} has another size than it had")

    def _starts_with(self, text: bytes) -> bool:
        """Whether these bytes come next; no more is read than needed to decide."""
        while len(self._rest) < len(text) and text.startswith(self._rest):
            self._rest += self._more()
        return self._rest.startswith(text)

    def _line(self) -> bytes:
        while b"\n" not in self._rest[:_MAX_LINE_BYTES]:
            if len(self._rest) >= _MAX_LINE_BYTES:
                raise RemoteError(self._host.name, "it does not answer as it should")
            self._rest += self._more()
        line, _, self._rest = self._rest.partition(b"\n")
        return line

    def _more(self) -> bytes:
        piece = next(self._pieces, b"")
        if not piece:
            raise KilledError(self._host.name, f"it ended early: {self._stream.finish().problem}")
        return piece


def _header(path: str) -> bytes:
    return f"\n==> {path} <==\n".encode(errors="surrogateescape")


def _is_readable(state: bytes) -> bool:
    return state not in (b"gone", b"closed")


def _start_of(end: bytes, piece: bytes, n_bytes: int) -> int:
    """Where the end is in so many bytes of a piece, or may be once more is here; else how many."""
    n_bytes = min(n_bytes, len(piece))
    at = piece.find(end, 0, n_bytes + len(end) - 1)
    if at < 0:
        at = piece.rfind(b"\n", -len(end))  # the only one in the end is its first byte
    is_begun = at >= 0 and end.startswith(piece[at : at + len(end)])
    return min(at, n_bytes) if is_begun else n_bytes


@contextmanager
def open_batch(
    connection: Connection, requests: Sequence[Request], *, start: str, with_sums: bool
) -> Iterator[Batch]:
    """Ask for files by one command, from a byte on; "" for their sums alone."""
    mark = secrets.token_hex(16)
    words = ["sh", "-c", SCRIPT, "sh", mark, "1" if with_sums else "", start]
    words += [log.path for log, _ in requests]
    with connection.stream(words) as stream:
        yield Batch(stream, connection.host, requests, mark.encode())
