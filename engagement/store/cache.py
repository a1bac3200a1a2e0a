"""Work that several threads want at once is done by one of them, for all."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Any, TypeVar

from engagement.errors import QueryTimeoutError
from engagement.store.deadlines import time_for_this

if TYPE_CHECKING:
    from collections.abc import Callable

_Value = TypeVar("_Value")


class Sharing:
    """What is being made now, by its key; nothing is kept of what is done.

    Who keeps what is made does so in `make`, and looks there first: a key is let go of only after
    its `make` has ended, so that no thread misses both.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: dict[object, Future[Any]] = {}

    def share(self, key: object, make: Callable[[], _Value]) -> _Value:
        """What `make` gives, by this thread or by the one that makes it already.

        Whose time is up takes nobody else's: who waits for it then makes it within its own.

        Raises:
            QueryTimeoutError: If this thread's time is up before the value is there.
            BaseException: What `make` raises; each thread that waits for it gets the same.
        """
        while True:
            with self._lock:
                made = self._made.get(key)
                if made is None:
                    ours: Future[_Value] = Future()
                    self._made[key] = ours
                    break
            try:
                found: _Value = _wait_for(made)
            except QueryTimeoutError:
                ours_to_take = time_for_this()
                if ours_to_take is None or not ours_to_take.left_s:
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
            del self._made[key]


def _wait_for(made: Future[_Value]) -> _Value:
    """What another thread makes, if it does so before this one's time is up."""
    deadline = time_for_this()
    if deadline is not None and not wait([made], deadline.left_s).done:
        raise QueryTimeoutError(deadline.limit_s)
    return made.result()


class Kept:
    """Values that are made when they are first asked for, each once; those that fail are not kept.

    A value is not made before those that its making asks for, so they must not ask for each other.
    """

    def __init__(self) -> None:
        self._sharing = Sharing()
        self._values: dict[object, Any] = {}

    def known(self, key: object, otherwise: _Value) -> _Value:
        """What has been made, or something else."""
        found: _Value = self._values.get(key, otherwise)
        return found

    def get(self, key: object, make: Callable[[], _Value]) -> _Value:
        """What `make` gave, or gives; who asks meanwhile waits for it, or for its error."""
        if key in self._values:
            known: _Value = self._values[key]
            return known

        def make_once() -> _Value:
            if key not in self._values:
                self._values[key] = make()
            made: _Value = self._values[key]
            return made

        return self._sharing.share(key, make_once)
