"""A limit of time for what a DuckDB cursor does."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator


_AGAIN_S = 0.05


@dataclass(slots=True, eq=False)
class _Limited:
    """A cursor, whose it is, when its time is up by the monotonic clock, and whether that was."""

    cursor: duckdb.DuckDBPyConnection
    owner: object
    due_s: float
    is_late: threading.Event = field(default_factory=threading.Event)


class _Watch:
    """One thread that interrupts whatever is late: a thread a query took longer than many do."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._limited: set[_Limited] = set()
        self._ended: WeakSet[Any] = WeakSet()  # whose cursors have no time any more
        self._wakes_at_s = 0.0  # in the past while there is no thread

    def add(self, limited: _Limited) -> None:
        """Begin to watch a cursor."""
        with self._changed:
            if limited.owner in self._ended:
                limited.due_s = time.monotonic()
            self._limited.add(limited)
            if not self._wakes_at_s:
                self._wakes_at_s = limited.due_s
                threading.Thread(target=self._run, name="interrupts", daemon=True).start()
            elif limited.due_s < self._wakes_at_s:
                self._changed.notify()

    def remove(self, limited: _Limited) -> None:
        """End it; the cursor is not interrupted any more."""
        with self._changed:
            self._limited.remove(limited)

    def end(self, owner: object) -> None:
        """Have the time of whatever is somebody's, or will be, be up."""
        with self._changed:
            self._ended.add(owner)
            for limited in self._limited:
                if limited.owner is owner:
                    limited.due_s = time.monotonic()
            self._changed.notify()

    def _run(self) -> None:
        """Go on until nothing is watched when the oldest limit has passed."""
        with self._changed:
            while self._limited:
                now_s = time.monotonic()
                late = [one for one in self._limited if one.due_s <= now_s]
                for one in late:
                    one.is_late.set()
                    with suppress(duckdb.Error):  # it has just ended
                        one.cursor.interrupt()
                self._wakes_at_s = min(one.due_s for one in self._limited)
                if late:
                    self._wakes_at_s = max(self._wakes_at_s, now_s + _AGAIN_S)
                self._changed.wait(self._wakes_at_s - now_s)
            self._wakes_at_s = 0.0


_watch = _Watch()


@contextmanager
def interrupted_after(
    cursor: duckdb.DuckDBPyConnection, limit_s: float, owner: object
) -> Iterator[threading.Event]:
    """Stop what the cursor does when the time is up; yields whether it was.

    An interrupt that comes before a statement begins is lost on it, so there is more than one.
    """
    limited = _Limited(cursor, owner, time.monotonic() + limit_s)
    _watch.add(limited)
    try:
        yield limited.is_late
    finally:
        _watch.remove(limited)


def interrupt_all(owner: object) -> None:
    """Stop what all cursors of an owner do, and what they will do."""
    _watch.end(owner)
