"""Answers of `jobs` kept by the content of what they were made from, up to a size."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

from engagement.errors import ServerBusyError
from engagement.store.cache import SingleFlight
from engagement.video import jobs

if TYPE_CHECKING:
    from collections.abc import Callable

    from engagement.video.times import Footage

SHELF_BYTES = 96 << 20
"""Of all that is kept: half an hour of the small video."""

_AT_ONCE = 2
_WAIT_S = 20.0


class Shelf:
    """Videos and pictures that were asked for last; of requests for the same one makes it.

    A file is known by path, size and time, as logs are: `jobs.opened` refuses another one.
    """

    def __init__(self, most_bytes: int = SHELF_BYTES) -> None:
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._flights = SingleFlight()
        self._turns = threading.BoundedSemaphore(_AT_ONCE)
        self._kept: OrderedDict[object, bytes] = OrderedDict()
        self.n_bytes = 0

    def video(self, footage: Footage) -> bytes:
        """A segment's video, as `jobs.remux` gives it."""
        return self._get(
            ("video", _content(footage)),
            footage,
            lambda: jobs.remux([jobs.Part(footage)], is_fragmented=True),
        )

    def picture(self, footage: Footage, time_s: float, width: int | None) -> bytes:
        """One picture, as `jobs.picture` gives it."""
        key = ("picture", _content(footage), footage.frame_at(time_s), width)
        return self._get(key, footage, lambda: jobs.picture(footage, time_s, width))

    def _get(self, key: object, footage: Footage, make: Callable[[], bytes]) -> bytes:
        jobs.opened(footage).close()  # one that is gone is not shown from memory
        return self._find(key) or self._flights.run(key, lambda: self._made(key, make))

    def _made(self, key: object, make: Callable[[], bytes]) -> bytes:
        found = self._find(key)
        if found is None:
            if not self._turns.acquire(timeout=_WAIT_S):
                raise ServerBusyError("other videos are being made")
            try:
                found = make()
            finally:
                self._turns.release()
            self._keep(key, found)
        return found

    def _find(self, key: object) -> bytes | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def _keep(self, key: object, made: bytes) -> None:
        if len(made) > self._most_bytes // 2:
            return
        with self._lock:
            self.n_bytes += len(made) - len(self._kept.pop(key, b""))
            self._kept[key] = made
            while self.n_bytes > self._most_bytes:
                _, oldest = self._kept.popitem(last=False)
                self.n_bytes -= len(oldest)


def _content(footage: Footage) -> tuple[object, ...]:
    times = hash(tuple(footage.known.items()))
    return footage.path, footage.size_bytes, footage.mtime_ns, times
