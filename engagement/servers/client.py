"""A client for HTTP whose connections another thread can cut."""

from __future__ import annotations

import socket
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

_AGENT = "engagement"
_OPENED = ("connection.connect_tcp.complete", "connection.start_tls.complete")


class Client:
    """Pooled connections with time limits; no redirect is followed, no credentials are added."""

    def __init__(self, timeout_s: float, n_connections: int) -> None:
        self._lock = threading.Lock()
        self._sockets: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._is_cut = False
        self._http = httpx.Client(
            timeout=timeout_s,
            follow_redirects=False,
            headers={"User-Agent": _AGENT},
            limits=httpx.Limits(max_connections=n_connections),
        )

    def stream(
        self, method: str, url: str, **options: Any
    ) -> AbstractContextManager[httpx.Response]:
        """Ask; the body of the answer is read by the caller. Errors are `httpx.HTTPError`s."""
        return self._http.stream(method, url, extensions={"trace": self._trace}, **options)

    def close(self) -> None:
        """Cut all connections: who waits for one gets an error, and no new one is of use."""
        with self._lock:
            self._is_cut = True
            sockets = list(self._sockets)
        for found in sockets:
            _shut(found)

    def end(self) -> None:
        """Close it, when nobody uses it any more."""
        self._http.close()

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Note each connection that is opened; httpcore calls this."""
        if event not in _OPENED:
            return
        found = info["return_value"].get_extra_info("socket")
        with self._lock:
            self._sockets.add(found)
            is_cut = self._is_cut
        if is_cut:
            _shut(found)


def _shut(found: socket.socket) -> None:
    # To close it would wake nobody who waits for it.
    with suppress(OSError):
        found.shutdown(socket.SHUT_RDWR)
