"""The newest published generation, for a server: many threads read it, and it changes under them.

`Publication` looks at the file once per request, and opens it anew when a newer one is in its
place; who still reads the older one goes on with it until done.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engagement.errors import StoreMissingError, StoreVersionError
from engagement.store.snapshot import Column, Generation, Limits, Narrowing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engagement.store.snapshot import Described

__all__ = ["Column", "Generation", "Limits", "Narrowing", "Publication"]

_FileState = tuple[int, int, int]


class _Lease:
    """A generation, and how many use it; closed when it is replaced and nobody does."""

    def __init__(self, generation: Generation, state: _FileState) -> None:
        self.generation = generation
        self.state = state
        self.n_users = 0
        self.is_replaced = False


class Publication:
    """A database file that is published anew now and then.

    Nothing is opened before the first request, so the file may be missing until then.
    """

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        self.path = path
        self.limits = limits or Limits()
        self._lock = threading.Lock()
        self._described: dict[str, Described] = {}
        self._current: _Lease | None = None
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

    def acquire(self) -> _Lease:
        """Begin to use the newest generation; `release` must follow."""
        with self._lock:
            lease = self._newest()
            lease.n_users += 1
            return lease

    def acquire_open(self) -> _Lease | None:
        """As `acquire`, but None where that could take long, as a file must be opened."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            lease = self._current
            if lease is None or lease.state != self._state():
                return None
            lease.n_users += 1
            return lease
        finally:
            self._lock.release()

    def release(self, lease: _Lease) -> None:
        """End the use of a generation."""
        with self._lock:
            lease.n_users -= 1
            _close_unused(lease)

    def close(self) -> None:
        """Let go of the file; who still reads goes on."""
        with self._lock:
            self._retire()

    def _newest(self) -> _Lease:
        state = self._state()
        if self._current is not None and self._current.state == state:
            return self._current
        self._retire()
        if state is None:
            raise StoreMissingError(self.path)
        self._current = _Lease(self._open(state), state)
        return self._current

    def _open(self, state: _FileState) -> Generation:
        """A version that this program does not read stays so until the file is another one."""
        if self._refused is not None and self._refused[0] == state:
            raise self._refused[1]
        try:
            return Generation(self.path, self.limits, self._described)
        except StoreVersionError as error:
            self._refused = state, error
            raise

    def _state(self) -> _FileState | None:
        """What changes when the file is replaced; None if there is none."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _retire(self) -> None:
        if self._current is not None:
            self._current.is_replaced = True
            _close_unused(self._current)
            self._current = None


def _close_unused(lease: _Lease) -> None:
    if lease.is_replaced and not lease.n_users:
        lease.generation.close()
