"""The server's own metrics, for Prometheus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.datastructures import State
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from engagement.api.handlers import newest
from engagement.errors import StoreError

if TYPE_CHECKING:
    from engagement.store.serving import Publication

# Litestar adds the charset itself.
_MEDIA_TYPE = CONTENT_TYPE_LATEST.partition("; charset")[0]
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 5, 10)


class Metrics:
    """Counts of one application; each has its own registry, so that tests can have several.

    Litestar's Prometheus middleware has other names for its metrics, and counts no refusals.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._requests = Counter(
            "engagement_http_requests",
            "Requests that were answered.",
            ["method", "route", "status"],
            registry=self.registry,
        )
        self._duration = Histogram(
            "engagement_http_request_duration_seconds",
            "From the request to the last byte of the answer.",
            ["route"],
            buckets=_BUCKETS_S,
            registry=self.registry,
        )
        self._running = self._gauge(
            "engagement_http_requests_in_progress", "Requests that are being answered."
        )
        self._generation = self._gauge(
            "engagement_database_generation",
            "Number of the published generation that answers are read from.",
        )
        self._published = self._gauge(
            "engagement_database_published_timestamp_seconds",
            "When that generation was published.",
        )
        self._usable = self._gauge(
            "engagement_database_usable", "1 if there is a database that can be read, else 0."
        )

    def _gauge(self, name: str, description: str) -> Gauge:
        return Gauge(name, description, registry=self.registry)

    def begin(self) -> None:
        """A request came."""
        self._running.inc()

    def end(self, method: str, route: str, status: int, duration_s: float) -> None:
        """A request was answered; `route` is one of the application's, never the client's text."""
        self._running.dec()
        known = method if method in _METHODS else "other"
        self._requests.labels(known, route, str(status)).inc()
        self._duration.labels(route).observe(duration_s)

    def look_at(self, publication: Publication) -> None:
        """Set the metrics of the published database."""
        try:
            with publication.newest() as generation:
                self._generation.set(generation.number)
                self._published.set(generation.published_at_utc.timestamp())
                self._usable.set(1)
        except StoreError:
            self._usable.set(0)


@get("/ready", include_in_schema=False)
async def get_ready(state: State) -> Response[Any]:
    """Say whether there is a database that can be read: 200 if so, else 503."""
    async with newest(state):
        return Response({"status": "ready"}, headers={"cache-control": "no-store"})


@get("/metrics", sync_to_thread=True, include_in_schema=False)
def get_metrics(state: State) -> Response[Any]:
    """Give the metrics in Prometheus' text format."""
    metrics: Metrics = state.metrics
    metrics.look_at(state.publication)
    return Response(generate_latest(metrics.registry), media_type=_MEDIA_TYPE)
