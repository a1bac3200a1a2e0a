"""The pace of collecting: a limit of bytes per second, waits between attempts, and a stop."""

from __future__ import annotations

import random
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

_LONGEST_BURST_S = 0.1


@dataclass(frozen=True, slots=True)
class Patience:
    """How often to try again without progress, and seconds to wait before each attempt."""

    retries: int = 3
    first_wait_s: float = 1.0
    longest_wait_s: float = 60.0

    def wait_s(self, attempt: int) -> float:
        """Seconds before an attempt, from 1 on: twice as many each time, with a random part."""
        longest: float = min(self.first_wait_s * 2 ** (attempt - 1), self.longest_wait_s)
        return longest * random.uniform(0.75, 1.0)  # noqa: S311 - keeps devices apart


class Closable(Protocol):
    """Something that another thread can cut."""

    def close(self) -> None:
        """Cut it; a thread that waits for it gets an error."""


class Stop:
    """A stop for all threads: waits end, and connections are cut."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._connections: set[Closable] = set()
        self.is_requested = False
        """Set by a signal's handler, which may take no lock; who waits for the threads sees it."""

    def set(self) -> None:
        """Stop; running transfers end with a cut connection."""
        self._event.set()
        with self._lock:
            connections = list(self._connections)
        for connection in connections:
            connection.close()

    @property
    def is_set(self) -> bool:
        """Whether it was stopped."""
        return self._event.is_set()

    def wait(self, duration_s: float) -> bool:
        """Wait so many seconds, or until the stop; return whether it was stopped."""
        return self._event.wait(duration_s)

    @contextmanager
    def cutting(self, connection: Closable) -> Iterator[None]:
        """Cut a connection if the stop comes meanwhile."""
        with self._lock:
            self._connections.add(connection)
        try:
            if self.is_set:
                connection.close()
            yield
        finally:
            with self._lock:
                self._connections.discard(connection)


class Rate:
    """A limit on bytes a second that several threads share; None for no limit."""

    def __init__(self, limit_bytes_per_s: int | None, stop: Stop) -> None:
        self._limit = limit_bytes_per_s
        self._stop = stop
        self._lock = threading.Lock()
        self._free_at_s = 0.0

    def take(self, n_bytes: int) -> None:
        """Wait until so many bytes more are within the limit."""
        if not self._limit:
            return
        with self._lock:
            now_s = time.monotonic()
            self._free_at_s = max(self._free_at_s, now_s - _LONGEST_BURST_S)
            self._free_at_s += n_bytes / self._limit
            wait_s = self._free_at_s - now_s
        if wait_s > 0:
            self._stop.wait(wait_s)
