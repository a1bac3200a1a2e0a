"""Requests at an even rate, whether the answers come in time or not, and what came of them."""

from __future__ import annotations

import http.client
import itertools
import threading
import time
from dataclasses import dataclass
from statistics import quantiles
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer.

    Attributes:
        url: What was asked for.
        latency_s: From when the request was due, so that waiting in line counts.
        status: Of the answer; 0 if there was none.
        generation: That it was read from; 0 if it does not say.
        is_stale: It was read from an older generation than was published when it was asked for.
    """

    url: str
    latency_s: float
    status: int
    generation: int
    is_stale: bool


class Load:
    """Asks a server on this machine for addresses in turn."""

    def __init__(
        self,
        port: int,
        urls: Sequence[str],
        *,
        published: Callable[[], int] = lambda: 0,
        n_connections: int = 8,
    ) -> None:
        self._port = port
        self._urls = urls
        self._published = published
        self._n_connections = n_connections
        self._replies: list[Reply] = []

    def run_in_turn(self) -> list[Reply]:
        """Ask for each address once, each when the answer before has come."""
        connection = self._connect()
        for url in self._urls:
            connection = self._ask(connection, url, time.perf_counter())
        connection.close()
        return self._replies

    def run(self, per_s: float, duration_s: float) -> list[Reply]:
        """Ask so often for so long."""
        numbers = itertools.count()
        n_requests = round(per_s * duration_s)
        started_s = time.perf_counter()

        def work() -> None:
            connection = self._connect()
            while (number := next(numbers)) < n_requests:
                due_s = started_s + number / per_s
                time.sleep(max(0.0, due_s - time.perf_counter()))
                connection = self._ask(connection, self._urls[number % len(self._urls)], due_s)
            connection.close()

        threads = [threading.Thread(target=work) for _ in range(self._n_connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return self._replies

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_S)

    def _ask(
        self, connection: http.client.HTTPConnection, url: str, due_s: float
    ) -> http.client.HTTPConnection:
        """Ask once; gives the connection to go on with."""
        at_least = self._published()
        status = generation = 0
        try:
            connection.request("GET", url, headers={"accept-encoding": "gzip"})
            response = connection.getresponse()
            response.read()
            status = response.status
            generation = _generation(response.getheader("etag", ""))
        except (OSError, http.client.HTTPException):
            connection.close()
            connection = self._connect()
        latency_s = time.perf_counter() - due_s
        is_stale = 0 < generation < at_least
        self._replies.append(Reply(url, latency_s, status, generation, is_stale))
        return connection


def percentile_ms(replies: Sequence[Reply], percent: int) -> float:
    """How many milliseconds so many percent of the replies took at most."""
    return quantiles([reply.latency_s for reply in replies], n=100)[percent - 1] * 1000


def _generation(etag: str) -> int:
    number = etag.removeprefix('W/"').partition("-")[0]
    return int(number, 16) if number else 0
