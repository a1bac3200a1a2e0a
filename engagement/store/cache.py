"""Values that several threads want at once are computed by one of them, and cached for all."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, TypeVar

from engagement.errors import QueryTimeoutError
from engagement.store.limits import current_deadline

if TYPE_CHECKING:
    from collections.abc import Callable

_Value = TypeVar("_Value")


class SingleFlight:
    """Calls that are running, by key; a second caller of a key waits for the first one's result.

    Results are not stored here. A caller that caches results must look into its cache first in
    `make`: a key is removed only after its `make` has ended, so no thread misses both.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[object, Future[Any]] = {}

    def run(self, key: object, make: Callable[[], _Value]) -> _Value:
        """The result of `make`, called by this thread or by one that is calling it already.

        If the deadline of the calling thread passes, a waiting thread that has time left calls
        `make` itself.

        Raises:
            QueryTimeoutError: If this thread's deadline passes before there is a result.
            BaseException: What `make` raises; each waiting thread gets the same.
        """
        while True:
            with self._lock:
                running = self._running.get(key)
                if running is None:
                    ours: Future[_Value] = Future()
                    self._running[key] = ours
                    break
            try:
                found: _Value = _wait_for(running)
            except QueryTimeoutError:
                deadline = current_deadline()
                if deadline is None or not deadline.left_s:
                    raise
            else:
                return found
        return self._make(key, ours, make)

    def _make(self, key: object, ours: Future[_Value], make: Callable[[], _Value]) -> _Value:
        try:
            value = make()
        except BaseException as error:
            self._end(key)
            ours.set_exception(error)
            raise
        self._end(key)
        ours.set_result(value)
        return value

    def _end(self, key: object) -> None:
        with self._lock:
            del self._running[key]


def _wait_for(running: Future[_Value]) -> _Value:
    """The result of another thread's call, if it comes before this thread's deadline."""
    deadline = current_deadline()
    if deadline is not None and not wait([running], deadline.left_s).done:
        raise QueryTimeoutError(deadline.limit_s)
    return running.result()


class Cache:
    """Values that are computed once, when they are first asked for; errors are not cached.

    A `make` may ask for other values of the cache, but two must not ask for each other.
    """

    def __init__(self) -> None:
        self._flights = SingleFlight()
        self._values: dict[object, Any] = {}

    def peek(self, key: object, default: _Value) -> _Value:
        """The cached value, or the default."""
        found: _Value = self._values.get(key, default)
        return found

    def get(self, key: object, make: Callable[[], _Value]) -> _Value:
        """The value of `make`; threads that ask meanwhile wait for it, or for its error."""
        if key in self._values:
            known: _Value = self._values[key]
            return known

        def make_once() -> _Value:
            if key not in self._values:
                self._values[key] = make()
            made: _Value = self._values[key]
            return made

        return self._flights.run(key, make_once)
