"""Renders templates: what every page has, and the pages of errors."""

from __future__ import annotations

import logging
from functools import lru_cache, partial
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from engagement.api import addresses
from engagement.api.answers import HTML, OfDrive, respond
from engagement.api.pages import page_formats
from engagement.api.pages.assets import asset_url
from engagement.api.pages.charts import scale_bar
from engagement.api.pages.selection import query
from engagement.api.pages.unit_choice import page_units
from engagement.api.pages.words import (
    WORDS,
    cause_words,
    choice_words,
    curly,
    kind_words,
    mode_words,
)
from engagement.api.problems import STATUSES, detail_of
from engagement.definitions import DEFINITIONS
from engagement.errors import EngagementError, StoreBusyError
from engagement.formats import plural, setting
from engagement.units import IMPERIAL, METRIC, Units

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engagement.store.serving import Generation

AnyRequest = Request[Any, Any, State]

NAVIGATION = {
    "/": "Overview",
    "/drives": "Drives",
    "/events": "Events",
    "/rates": "Rates",
    "/compare": "Compare",
    "/places": "Places",
    "/quality": "Data quality",
    "/glossary": "Glossary",
}

_TEMPLATES = Path(__file__).parent.parent / "templates"
_TITLES = {
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.BAD_REQUEST: "That can't be read",
    HTTPStatus.SERVICE_UNAVAILABLE: "No data yet",
    HTTPStatus.GATEWAY_TIMEOUT: "That took too long",
}
_NO_BREAK = "\N{NO-BREAK SPACE}"
_IN_USE = "The database is in use"
_RETRY_AFTER_S = "5"

_ENVIRONMENTS = 8  # metric and imperial, with names of devices that now and then change

_log = logging.getLogger(__name__)


@lru_cache(_ENVIRONMENTS)
def environment(units: Units) -> Environment:
    """Jinja's environment: everything is escaped, and an undefined name is an error."""
    found = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    styles = page_formats.styles(units)
    found.filters |= styles
    found.filters |= {
        "value": partial(page_formats.value, styles),
        "interval": partial(page_formats.interval, styles),
        "median_limits": page_formats.median_limits,
        "scale_bar": partial(scale_bar, units),
        "short": page_formats.short,
        "device": partial(page_formats.device, units.device),
        "choice_words": partial(choice_words, units.device),
        "month": page_formats.month_words,
        "wrapped": page_formats.wrapped,
        "exact": page_formats.exact,
        "fixed": page_formats.fixed,
        "plural": plural,
        "query": query,
        "setting": setting,
        "drive_url": addresses.drive_url,
        "event_url": addresses.event_url,
        "moment_url": addresses.moment_url,
        "cause_words": cause_words,
        "curly": curly,
        "kind_words": kind_words,
        "mode_words": mode_words,
    }
    found.globals |= {
        "asset": asset_url,
        "navigation": NAVIGATION,
        "units": units,
        "per_distance": units.per_distance.name.replace(" ", _NO_BREAK),
        "other_units": IMPERIAL if units.name == METRIC.name else METRIC,
        "published": published,
        "program_version": version("engagement"),
        "definitions": DEFINITIONS,
        "words": WORDS,
    }
    return found


def render(template: str, units: Units = METRIC, **context: Any) -> str:
    """A page's text."""
    return environment(units).get_template(template).render(**context)


def page(
    request: AnyRequest,
    generation: Generation,
    template: str,
    make: Callable[[], Mapping[str, Any]],
    *,
    drive_id: int | None = None,
) -> Response[bytes]:
    """Answer with a template filled by `make`; check the request before, see `respond`.

    Args:
        request: The request.
        generation: The database that the page is read from.
        template: Name of the template.
        make: Gives the variables of the template.
        drive_id: The drive, if the whole page is about one.
    """
    units = page_units(request, generation)

    def answer() -> str:
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return render(
            template,
            units,
            path=request.url.path,
            address=address,
            generation=generation,
            **make(),
        )

    of_drive = None if drive_id is None else OfDrive(drive_id, published(generation))
    variant = f"{units.name}-{generation.definitions}-{page_formats.mark_of(units.device)}"
    return respond(request, generation, answer, media_type=HTML, of_drive=of_drive, variant=variant)


def published(generation: Generation) -> str:
    """Which data a page shows; the only part of a page that names the generation."""
    at = page_formats.moment(generation.published_at_utc)
    return f"Data published {at} UTC, generation {generation.number}."


def answer_error(request: AnyRequest, error: EngagementError) -> Response[str]:
    """A page about what is wrong with the request, or with the database."""
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer_unforeseen(request, error)
    title = _IN_USE if isinstance(error, StoreBusyError) else _TITLES.get(status)
    return _error_page(status, detail_of(error), title)


def answer_http(request: AnyRequest, error: HTTPException) -> Response[str]:
    """The same for requests that Litestar refuses."""
    status = HTTPStatus(error.status_code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer_unforeseen(request, error)
    return _error_page(status, error.detail, _TITLES.get(status))


def answer_unforeseen(request: AnyRequest, error: Exception) -> Response[str]:
    """A bug: it is logged, and the page tells nothing of the inside."""
    _log.error("%s failed", request.url.path, exc_info=error)
    status = HTTPStatus.INTERNAL_SERVER_ERROR
    return _error_page(status, "The server made a mistake; its log says which.")


def _error_page(status: HTTPStatus, detail: str, title: str | None = None) -> Response[str]:
    title = title or status.phrase
    text = render("error.html", path="", generation=None, title=title, detail=detail)
    headers = {"cache-control": "no-store"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = _RETRY_AFTER_S
    return Response(text, status_code=status, media_type=HTML, headers=headers)


ERROR_HANDLERS: dict[Any, Any] = {
    EngagementError: answer_error,
    HTTPException: answer_http,
    Exception: answer_unforeseen,
}
