"""The newest published generation, for the threads of a server.

`Publication` looks at the file once per request, and opens it when a newer one has replaced it;
requests that still read the older one finish with it, and wait for nothing. Where somebody prepares
the newer one, the older one goes on to answer until then, for a limited time.
"""

from __future__ import annotations

import math
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.errors import StoreMissingError, StoreVersionError
from engagement.store.cache import Cache
from engagement.store.generation import Generation
from engagement.store.lake_file import refuse_lake
from engagement.store.limits import Limits
from engagement.store.query_types import Column, Narrowing
from engagement.store.spare import Spare

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


__all__ = ["Column", "Generation", "Lease", "Limits", "Narrowing", "Prepared", "Publication"]

_FileState = tuple[int, int, int]


class Lease:
    """A generation and its number of users; closed when it is replaced and has none.

    `seen_at_s` is a time at which no newer one was there, by `time.monotonic`.
    """

    def __init__(self, generation: Generation, state: _FileState, seen_at_s: float) -> None:
        self.generation = generation
        self.state = state
        self.seen_at_s = seen_at_s
        self.n_users = 0
        self.is_replaced = False

    @property
    def is_over(self) -> bool:
        """Whether it has no users, and will have none."""
        return self.is_replaced and not self.n_users


@dataclass(frozen=True, slots=True)
class Prepared:
    """A generation that does not answer yet, and the one that still does, until `until_s`."""

    lease: Lease
    older: Lease
    until_s: float


class Publication:
    """A database file that is published anew now and then.

    Nothing is opened before the first request, so the file may be missing until then.

    Args:
        path: The database.
        limits: Of its queries.
        lag_s: How long a generation that was replaced may answer, so that the newer one can be
            prepared.

    Raises:
        StoreError: If it is a lake.
    """

    def __init__(self, path: Path, limits: Limits | None = None, *, lag_s: float = 0.0) -> None:
        refuse_lake(path, "what is served is")
        self.path = path
        self.limits = limits or Limits()
        self._lag_s = lag_s
        self._outdated_at_s: float | None = None  # since when a newer file is there
        self._lock = threading.Lock()  # never held while a file is opened or closed
        self._opening = threading.Lock()
        self._across = Cache()
        self._spare = Spare()
        self._current: Lease | None = None
        self._open_leases: set[Lease] = set()
        self._closing: list[threading.Thread] = []  # replaced generations without users
        self._refused: tuple[_FileState, StoreVersionError] | None = None

    @contextmanager
    def newest(self) -> Iterator[Generation]:
        """The generation that is published now; it stays as it is within the context.

        Raises:
            StoreError: If there is no database, or none that can be used.
        """
        lease = self.acquire()
        try:
            yield lease.generation
        finally:
            self.release(lease)

    def acquire(self) -> Lease:
        """Begin to use the newest generation; `release` must follow."""
        lease = self.acquire_open()
        if lease is not None:
            return lease
        with self._opening:
            return self.acquire_open() or self._renew()

    def acquire_open(self) -> Lease | None:
        """As `acquire`, but None if a file would have to be opened, which takes long."""
        state = self._state()
        with self._lock:
            lease = self._current
            if lease is None:
                return None
            if lease.state != state and time.monotonic() >= self._lag_ends_s(state):
                return None
            lease.n_users += 1
            return lease

    def _lag_ends_s(self, state: _FileState | None) -> float:
        """Until when the older generation may answer, by `time.monotonic`."""
        if state is None or not self._lag_s:
            return -math.inf
        self._outdated_at_s = self._outdated_at_s or time.monotonic()
        return self._outdated_at_s + self._lag_s

    def prepare(self) -> Prepared | None:
        """Open a newer generation, if there is one, while the older one goes on to answer.

        `switch` must follow.

        Raises:
            StoreError: If it can't be used.
        """
        with self._opening:
            seen_at_s, state = time.monotonic(), self._state()
            with self._lock:
                older = self._current
                if older is None or older.state == state:
                    return None
                until_s = self._lag_ends_s(state)
            if time.monotonic() >= until_s:
                return None
            return Prepared(self._open(state, seen_at_s), older, until_s)

    def switch(self, prepared: Prepared) -> None:
        """Let a prepared generation answer, unless a request had to open a newer one meanwhile."""
        with self._opening:
            if self._current is prepared.older:
                self._replace(prepared.lease)
            else:
                prepared.lease.is_replaced = True
        self.release(prepared.lease)

    def release(self, lease: Lease) -> None:
        """End the use of a generation; if it was replaced, closing it can take long."""
        with self._lock:
            lease.n_users -= 1
            is_over = lease.is_over
        if is_over:
            self._close(lease)

    def end(self) -> None:
        """Interrupt all queries, so that closing waits for none."""
        with self._lock:
            leases = [*self._open_leases]
        for lease in leases:
            lease.generation.end()

    def close(self) -> None:
        """Close the file, once its last user has finished."""
        with self._opening:
            self._replace(None)
            self._spare.close()
            for thread in self._closing:
                thread.join()

    def _renew(self) -> Lease:
        """Open the newest generation; the older one stays in use until then."""
        seen_at_s, state = time.monotonic(), self._state()
        try:
            lease = self._open(state, seen_at_s)
        except BaseException:
            self._replace(None)
            raise
        self._replace(lease)
        return lease

    def _replace(self, lease: Lease | None) -> None:
        # One that took long to prepare may have been replaced since it was seen.
        is_outdated = lease is not None and lease.state != self._state()
        with self._lock:
            old, self._current = self._current, lease
            self._outdated_at_s = lease.seen_at_s if lease and is_outdated else None
            if old is not None:
                old.is_replaced = True
            is_over = old is not None and old.is_over
        if old is not None and is_over:
            # In a thread: requests that wait for the newer one need not wait for this.
            thread = threading.Thread(target=self._close, args=(old,), name="closing")
            thread.start()
            self._closing = [*filter(threading.Thread.is_alive, self._closing), thread]

    def _close(self, lease: Lease) -> None:
        with self._lock:
            self._open_leases.remove(lease)
        lease.generation.close()

    def _open(self, state: _FileState | None, seen_at_s: float) -> Lease:
        """Open the file; one of another version is not tried again until it is replaced."""
        if state is None:
            raise StoreMissingError(self.path)
        if self._refused is not None and self._refused[0] == state:
            raise self._refused[1]
        try:
            generation = Generation(self.path, self.limits, self._across, self._spare)
        except StoreVersionError as error:
            self._refused = state, error
            raise
        lease = Lease(generation, state, seen_at_s)
        lease.n_users = 1
        with self._lock:
            self._open_leases.add(lease)
        return lease

    def _state(self) -> _FileState | None:
        """What changes when the file is replaced; None if there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
