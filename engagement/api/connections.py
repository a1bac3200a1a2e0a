"""Connections that clients open and do nothing with: who may have how many, and for how long.

A connection that waits for a request costs its client nothing, so its place is lent. It is closed
when no whole request head comes in time, and sooner where another client needs the place. One whose
client does not take what is sent is cut off.
"""

from __future__ import annotations

import functools
import socket
import struct
from collections import Counter
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from engagement.api.addresses import client_group

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from engagement.api.settings import ConnectionLimits

_LEAST_BYTES = 16 << 10  # that a client has to take in the time for it
_NO_LINGER = struct.pack("ii", 1, 0)
_REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\nretry-after: 5\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 21\r\n\r\ntoo many connections\n"
)


class Door:
    """Counts who is inside, and makes room."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self._inside: dict[Connection, str] = {}
        self._counts: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._inside)

    def admit(self, connection: Connection, address: str) -> bool:
        """Whether to let one more in, if need be in the place of the one that waits longest."""
        group = "" if address in self.limits.proxies else client_group(address)
        if group and self._counts[group] >= self.limits.n_per_client:
            return False
        if len(self) >= self.limits.n_at_once:
            waiting = [one for one in self._inside if one.is_waiting]
            if not waiting:
                return False
            longest = min(waiting, key=lambda one: one.waits_since_s)
            self.leave(longest)
            longest.transport.abort()
        self._inside[connection] = group
        self._counts[group] += 1
        return True

    def leave(self, connection: Connection) -> None:
        """Count one less, the first time."""
        group = self._inside.pop(connection, None)
        if group is not None:
            self._counts[group] -= 1
            if not self._counts[group]:
                del self._counts[group]


class Connection(H11Protocol):
    """A client's connection, with an eye on what it does."""

    def __init__(self, door: Door, **arguments: Any) -> None:
        super().__init__(**arguments)
        self._door = door
        self._timer: asyncio.TimerHandle | None = None
        self.waits_since_s = self.loop.time()

    @property
    def is_waiting(self) -> bool:
        """Whether nothing is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Let it in, or say why not."""
        super().connection_made(transport)
        if self._door.admit(self, self.client[0] if self.client else ""):
            self._watch()
        else:
            transport.write(_REFUSAL)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give its place to others."""
        self._stop()
        self._door.leave(self)
        super().connection_lost(exc)

    def on_response_complete(self) -> None:
        """Wait for the next request."""
        self.waits_since_s = self.loop.time()
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """There is enough on its way to the client: see that it takes some of it."""
        super().pause_writing()
        self._watch()

    def resume_writing(self) -> None:
        """The client has taken most of it."""
        super().resume_writing()
        self._watch()

    def _watch(self) -> None:
        """Look what it has done when the time is up."""
        self._stop()
        n_unsent = self.transport.get_write_buffer_size()
        for_s = self._door.limits.stall_s if n_unsent else self._door.limits.head_s
        self._timer = self.loop.call_later(for_s, self._look, n_unsent)

    def _stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self, n_unsent_before: int) -> None:
        n_unsent = self.transport.get_write_buffer_size()
        is_taking = n_unsent <= n_unsent_before - _LEAST_BYTES
        is_over = self.is_waiting or self.flow.write_paused
        if is_over and not (n_unsent and is_taking):
            self._cut()
        elif n_unsent:
            self._watch()

    def _cut(self) -> None:
        """Close it at once, and keep nothing that is yet to be sent, in the system neither."""
        connected = self.transport.get_extra_info("socket")
        if connected is not None:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self.transport.abort()


def connections(limits: ConnectionLimits) -> Callable[..., asyncio.Protocol]:
    """What makes the protocol of each connection of one server."""
    return functools.partial(Connection, Door(limits))
