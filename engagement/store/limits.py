"""The limits of queries: time, for each and for all queries of a request together, and memory."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import duckdb

from engagement.errors import QueryTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_AGAIN_S = 0.05
_VALUE_BYTES = 8
# The DuckDB types whose values take no more than that.
_FIXED = frozenset({
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "FLOAT", "DOUBLE", "DATE", "TIME", "TIMESTAMP", "NUMBER", "DATETIME", "bool",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one query, and of all queries together.

    Attributes:
        memory_limit: Of all queries, in DuckDB's notation.
        n_threads: Of one query; one is the fastest if many queries run at once.
        time_limit_s: Of one query; in a server, of all queries of a request together.
        result_bytes: Of one query's rows, as Arrow has them.
    """

    memory_limit: str = "512MB"
    n_threads: int = 1
    time_limit_s: float = 10.0
    result_bytes: int = 256 << 20


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the time is up, by the monotonic clock, and how long the limit was."""

    limit_s: float
    due_s: float

    @property
    def left_s(self) -> float:
        """Seconds until then, 0 if it has passed."""
        return max(self.due_s - time.monotonic(), 0.0)


_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def deadline_for_all(limit_s: float) -> Iterator[None]:
    """Let all queries within share one limit, also those of threads that copy this context."""
    token = _deadline.set(Deadline(limit_s, time.monotonic() + limit_s))
    try:
        yield
    finally:
        _deadline.reset(token)


def current_deadline() -> Deadline | None:
    """The deadline that the queries here share; None where no limit was set."""
    return _deadline.get()


def query_deadline(limit_s: float) -> Deadline:
    """The deadline of a query with a limit of its own: that, or the shared one if it is earlier.

    Raises:
        QueryTimeoutError: If the shared deadline has passed.
    """
    now_s = time.monotonic()
    alone, shared = Deadline(limit_s, now_s + limit_s), _deadline.get()
    if shared is None or alone.due_s < shared.due_s:
        return alone
    if shared.due_s <= now_s:
        raise QueryTimeoutError(shared.limit_s)
    return shared


@dataclass(slots=True, eq=False)
class _Watched:
    """A cursor and its owner, when its time is up, and whether it was interrupted for that."""

    cursor: duckdb.DuckDBPyConnection
    owner: object
    due_s: float
    is_late: threading.Event = field(default_factory=threading.Event)


class _Interrupter:
    """One thread that interrupts every late cursor: starting one per query takes too long."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._watched: set[_Watched] = set()
        self._ended: WeakSet[Any] = WeakSet()  # owners whose cursors are interrupted at once
        self._wakes_at_s = 0.0  # in the past while there is no thread

    def add(self, watched: _Watched) -> None:
        """Begin to watch a cursor."""
        with self._changed:
            if watched.owner in self._ended:
                watched.due_s = time.monotonic()
            self._watched.add(watched)
            if not self._wakes_at_s:
                self._wakes_at_s = watched.due_s
                threading.Thread(target=self._run, name="interrupts", daemon=True).start()
            elif watched.due_s < self._wakes_at_s:
                self._changed.notify()

    def remove(self, watched: _Watched) -> None:
        """Stop watching a cursor; it is not interrupted any more."""
        with self._changed:
            self._watched.remove(watched)

    def end(self, owner: object) -> None:
        """Interrupt all cursors of an owner, and each that it will have."""
        with self._changed:
            self._ended.add(owner)
            for watched in self._watched:
                if watched.owner is owner:
                    watched.due_s = time.monotonic()
            self._changed.notify()

    def _run(self) -> None:
        """Go on until nothing is watched when the oldest limit has passed."""
        with self._changed:
            while self._watched:
                now_s = time.monotonic()
                late = [one for one in self._watched if one.due_s <= now_s]
                for one in late:
                    one.is_late.set()
                    with suppress(duckdb.Error):  # it has just ended
                        one.cursor.interrupt()
                self._wakes_at_s = min(one.due_s for one in self._watched)
                if late:
                    self._wakes_at_s = max(self._wakes_at_s, now_s + _AGAIN_S)
                self._changed.wait(self._wakes_at_s - now_s)
            self._wakes_at_s = 0.0


_interrupter = _Interrupter()


@contextmanager
def interrupted_after(
    cursor: duckdb.DuckDBPyConnection, limit_s: float, owner: object
) -> Iterator[threading.Event]:
    """Interrupt what a cursor runs when the time is up; yields the event that says that it was.

    DuckDB loses an interrupt that comes before a statement begins, so there is more than one.
    """
    watched = _Watched(cursor, owner, time.monotonic() + limit_s)
    _interrupter.add(watched)
    try:
        yield watched.is_late
    finally:
        _interrupter.remove(watched)


def interrupt_all(owner: object) -> None:
    """Interrupt what all cursors of an owner run, and what they will run."""
    _interrupter.end(owner)


class Sizes:
    """The memory of rows whose columns have these types: about what Arrow would need for them."""

    def __init__(self, types: Sequence[str]) -> None:
        self._row_bytes = len(types) * _VALUE_BYTES
        self._longer = [number for number, kind in enumerate(types) if kind not in _FIXED]

    def sum_bytes(self, rows: Sequence[tuple[Any, ...]]) -> int:
        """The sum of some rows."""
        longer = sum(_more_bytes(row[number]) for number in self._longer for row in rows)
        return len(rows) * self._row_bytes + longer


def _more_bytes(value: Any) -> int:
    """The bytes of a text, list or struct beyond those of one value."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(_VALUE_BYTES + _more_bytes(part) for part in value.values())
    if isinstance(value, list | tuple):
        return sum(_VALUE_BYTES + _more_bytes(part) for part in value)
    return 0
