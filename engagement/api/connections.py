"""Limits on connections: how many there are, how many of each client, and how long one may idle.

uvicorn has none of these limits but one on requests, and a server without nginx in front of it can
be blocked by clients that open connections and send nothing (slowloris). A connection is closed
if no complete request head comes in time, or earlier if another client needs its place, or if the
client does not read what is sent.
"""

from __future__ import annotations

import functools
import socket
import struct
from collections import Counter
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from engagement.api.clients import client_group

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from engagement.api.settings import ConnectionLimits

_LEAST_BYTES = 16 << 10  # that a client has to read in time
_NO_LINGER = struct.pack("ii", 1, 0)
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 21\r\n\r\ntoo many connections\n"
)


class ConnectionPool:
    """Counts the open connections, and closes an idle one if there are too many."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._open: dict[Connection, str] = {}
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection, address: str) -> bool:
        """Count one more, if need be in the place of the longest idle one; False if refused."""
        group = "" if address in self.limits.proxies else client_group(address)
        if group and self._counts[group] >= self.limits.n_per_client:
            return False
        if len(self) >= self.limits.n_at_once:
            waiting = [one for one in self._open if one.is_waiting]
            if not waiting:
                return False
            longest = min(waiting, key=lambda one: one.waits_since_s)
            self.remove(longest)
            longest.transport.abort()
        self._open[connection] = group
        self._counts[group] += 1
        return True

    def remove(self, connection: Connection) -> None:
        """Count one less; a second call does nothing."""
        group = self._open.pop(connection, None)
        if group is not None:
            self._counts[group] -= 1
            if not self._counts[group]:
                del self._counts[group]


class Connection(H11Protocol):
    """A client's connection, with a timer for its next request and for what it reads."""

    def __init__(self, pool: ConnectionPool, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._pool = pool
        self._timer: asyncio.TimerHandle | None = None
        self.waits_since_s = self.loop.time()

    @property
    def is_waiting(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Count it, or refuse it."""
        super().connection_made(transport)
        if self._pool.add(self, self.client[0] if self.client else ""):
            self._start_timer()
        else:
            transport.write(_REFUSAL)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Count it no more."""
        self._stop_timer()
        self._pool.remove(self)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.waits_since_s = self.loop.time()
        super().on_response_complete()
        self._start_timer()

    def pause_writing(self) -> None:
        """The send buffer is full: check that the client reads some of it in time."""
        super().pause_writing()
        self._start_timer()

    def resume_writing(self) -> None:
        """The client has read most of it."""
        super().resume_writing()
        self._start_timer()

    def _start_timer(self) -> None:
        """Check it when the time is up."""
        self._stop_timer()
        n_unsent = self.transport.get_write_buffer_size()
        for_s = self._pool.limits.stall_s if n_unsent else self._pool.limits.head_s
        self._timer = self.loop.call_later(for_s, self._check, n_unsent)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self, n_unsent_before: int) -> None:
        n_unsent = self.transport.get_write_buffer_size()
        is_taking = n_unsent <= n_unsent_before - _LEAST_BYTES
        is_over = self.is_waiting or self.flow.write_paused
        if is_over and not (n_unsent and is_taking):
            self._abort()
        elif n_unsent:
            self._start_timer()

    def _abort(self) -> None:
        """Close it at once, and drop what is not sent yet, in the kernel too."""
        connected = self.transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()


def connections(limits: ConnectionLimits) -> Callable[..., asyncio.Protocol]:
    """The protocol factory of one server."""
    return functools.partial(Connection, ConnectionPool(limits))
