"""The time that all queries of one request have together."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.errors import QueryTimeoutError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Deadline:
    """When the time is up, by the monotonic clock, and how long it was."""

    limit_s: float
    due_s: float

    @property
    def left_s(self) -> float:
        """How long until then."""
        return max(self.due_s - time.monotonic(), 0.0)


_deadline: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


@contextmanager
def time_for_all(limit_s: float) -> Iterator[None]:
    """Have all queries within, in threads that are given this context too, share so much time."""
    token = _deadline.set(Deadline(limit_s, time.monotonic() + limit_s))
    try:
        yield
    finally:
        _deadline.reset(token)


def time_for_this() -> Deadline | None:
    """What all queries within have together; None where nobody has set a limit."""
    return _deadline.get()


def time_left(limit_s: float) -> Deadline:
    """What a query has that may take so long by itself: that, or what is left for all.

    Raises:
        QueryTimeoutError: If nothing is left.
    """
    now_s = time.monotonic()
    alone, shared = Deadline(limit_s, now_s + limit_s), _deadline.get()
    if shared is None or alone.due_s < shared.due_s:
        return alone
    if shared.due_s <= now_s:
        raise QueryTimeoutError(shared.limit_s)
    return shared
