"""The calls for the files of a route, of which a server takes few a minute."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from engagement.servers.routes import list_files

if TYPE_CHECKING:
    from engagement.collect.pace import Stop
    from engagement.servers.api import Api
    from engagement.servers.routes import FoundLog, Route

A_MINUTE = 5  # what comma's server takes
_MINUTE_S = 60.0


class Calls:
    """Keeps all jobs of one run within the number of calls a minute.

    Addresses that are no longer good are asked for once, whoever of the downloads notices first.
    """

    def __init__(self, stop: Stop, *, a_minute: int = A_MINUTE) -> None:
        self._stop = stop
        self._a_minute = a_minute
        self._lock = threading.Lock()
        self._times_s: deque[float] = deque()
        self._known: dict[str, dict[str, str]] = {}

    def files(self, api: Api, route: Route) -> list[FoundLog]:
        """The files of a route, asked for when it is their turn; errors as in `Api.get`."""
        with self._lock:
            return self._files(api, route)

    def renewed(self, api: Api, route: Route, name: str, old_url: str) -> str | None:
        """An address of a log in place of one that is no longer good; None if there is none."""
        with self._lock:
            url = self._known.get(route.name, {}).get(name)
            if url in (None, old_url):
                self._files(api, route)
                url = self._known[route.name].get(name)
        return url

    def _files(self, api: Api, route: Route) -> list[FoundLog]:
        self._wait()
        found = list_files(api, route)
        self._known[route.name] = {one.log.name: one.url for one in found}
        return found

    def _wait(self) -> None:
        """Wait until a call more is within a minute's number."""
        while len(self._times_s) >= self._a_minute and not self._stop.is_set:
            left_s = self._times_s[0] + _MINUTE_S - time.monotonic()
            if left_s <= 0:
                self._times_s.popleft()
            else:
                self._stop.wait(min(left_s, 1.0))
        self._times_s.append(time.monotonic())
