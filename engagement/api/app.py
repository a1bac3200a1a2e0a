"""The application: a database and settings in, ASGI out."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext, suppress
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple

from litestar import Litestar, MediaType, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from engagement.api import (
    clip_routes,
    comparison_routes,
    described,
    documentation,
    drive_routes,
    event_routes,
    generation_routes,
    glossary_routes,
    label_routes,
    legacy,
    legacy_pages,
    legacy_sync,
    moment_routes,
    pages,
    video_routes,
    view_routes,
)
from engagement.api.downloads import Downloads
from engagement.api.handlers import (
    ignore_unknown_parameters,
    provide_generation,
    refuse_unknown_parameters,
)
from engagement.api.metrics import Metrics, get_metrics, get_ready
from engagement.api.middleware import Middleware
from engagement.api.pages.assets import assets
from engagement.api.problems import HANDLERS
from engagement.api.renewal import Renewal
from engagement.api.request_filters import provide_filters
from engagement.api.rows import provide_span, provide_wanted
from engagement.api.settings import Settings
from engagement.store.serving import Publication
from engagement.video.shelf import Shelf

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from litestar.handlers import ASGIRouteHandler


_N_THREADS = 32


class Mounted(NamedTuple):
    """What answers beside the API: its handler, and what is to run as long as it may answer."""

    handler: ASGIRouteHandler
    run: Callable[[], AbstractAsyncContextManager[None]]


def create_app(
    database: Path,
    *,
    settings: Settings | None = None,
    mount: Callable[[Publication], Mounted] | None = None,
) -> Litestar:
    """Make the server of a database; the file may be missing until the first request.

    Args:
        database: The file.
        settings: Of the server.
        mount: Makes what else is to answer from the database.
    """
    settings = settings or Settings()
    publication = Publication(database, settings.limits, lag_s=settings.lag_s)
    metrics = Metrics()
    renewal: Renewal | None = None
    mounted = mount(publication) if mount else None

    @asynccontextmanager
    async def lifespan(_app: Litestar) -> AsyncIterator[None]:
        # The default executor has few threads per core: a few slow queries would block all others.
        threads = ThreadPoolExecutor(_N_THREADS, thread_name_prefix="answer")
        asyncio.get_running_loop().set_default_executor(threads)
        await asyncio.to_thread(assets)  # here, so that no request has to read them
        async with _renewing(renewal), mounted.run() if mounted else nullcontext():
            yield
        publication.end()  # running queries are interrupted
        publication.close()

    app = Litestar(
        [
            legacy.get_health,
            legacy.get_devices,
            legacy.get_device,
            legacy.get_comparison,
            legacy.get_total_stats,
            legacy_sync.get_export,
            legacy_pages.get_stats,
            legacy_pages.get_stats_mod,
            legacy_pages.get_total_stats,
            legacy_pages.get_styled_total_stats,
            documentation.get_documentation,
            documentation.get_documentation_script,
            get_metrics,
            get_ready,
            _v1(),
            pages.router,
            *((mounted.handler,) if mounted else ()),
        ],
        before_request=ignore_unknown_parameters,
        dependencies={"generation": Provide(provide_generation)},
        exception_handlers=HANDLERS,
        lifespan=[lifespan],
        logging_config=None,
        openapi_config=_openapi(),
        state=State(
            {
                "publication": publication,
                "opening": asyncio.Lock(),
                "settings": settings,
                "metrics": metrics,
                "downloads": Downloads(settings),
                "comparisons": threading.Lock(),
                "labelling": threading.Lock(),
                "shelf": Shelf(),
            }
        ),
    )
    described.complete(app)
    renewal = Renewal(app, app.asgi_handler, publication) if settings.lag_s else None
    app.asgi_handler = Middleware(app.asgi_handler, settings, metrics)  # around the router
    return app


@asynccontextmanager
async def _renewing(renewal: Renewal | None) -> AsyncIterator[None]:
    """Prepare newer generations meanwhile."""
    if renewal is None:
        yield
        return
    task = asyncio.create_task(renewal.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _v1() -> Router:
    return Router(
        "/api/v1",
        route_handlers=[
            drive_routes.devices_router,
            drive_routes.drives_router,
            *event_routes.routers,
            label_routes.router,
            clip_routes.router,
            video_routes.router,
            *view_routes.statistics_routers,
            view_routes.router,
            comparison_routes.get_comparison,
            moment_routes.find_described,
            glossary_routes.get_glossary,
            generation_routes.get_generation,
        ],
        before_request=refuse_unknown_parameters,
        dependencies={
            "filters": Provide(provide_filters, sync_to_thread=False),
            "wanted": Provide(provide_wanted, sync_to_thread=False),
            "span": Provide(provide_span, sync_to_thread=False),
        },
    )


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="engagement",
        version=version("engagement"),
        description="Engagement, disengagements and interventions of openpilot drives; read-only.",
        path="/api",
        render_plugins=[JsonRenderPlugin(path="/openapi.json", media_type=MediaType.JSON)],
        use_handler_docstrings=True,
    )
