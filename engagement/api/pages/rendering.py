"""Templates into pages: what every page has, and what is said in place of one that there is not."""

from __future__ import annotations

import logging
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import State
from litestar.exceptions import HTTPException

from engagement.api.answers import HTML, OfDrive, respond
from engagement.api.pages import formats
from engagement.api.pages.assets import asset_url
from engagement.api.pages.selection import query
from engagement.api.pages.words import WORDS, cause_words, curly, kind_words, mode_words
from engagement.api.problems import STATUSES
from engagement.errors import EngagementError, StoreBusyError
from engagement.formats import plural, setting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engagement.store.serving import Generation

AnyRequest = Request[Any, Any, State]

NAVIGATION = {
    "/": "Overview",
    "/drives": "Drives",
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
_IN_USE = "The database is in use"
_RETRY_AFTER_S = "5"

_log = logging.getLogger(__name__)


@cache
def environment() -> Environment:
    """Jinja as the pages use it: everything is escaped, and a missing name is an error."""
    found = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters |= dict(formats.STYLES)
    found.filters |= {
        "value": formats.value,
        "interval": formats.interval,
        "median_limits": formats.median_limits,
        "short": formats.short,
        "wrapped": formats.wrapped,
        "exact": formats.exact,
        "fixed": formats.fixed,
        "plural": plural,
        "query": query,
        "setting": setting,
        "drive_url": formats.drive_url,
        "event_url": formats.event_url,
        "cause_words": cause_words,
        "curly": curly,
        "kind_words": kind_words,
        "mode_words": mode_words,
    }
    found.globals |= {
        "asset": asset_url,
        "navigation": NAVIGATION,
        "published": published,
        "program_version": version("engagement"),
        "words": WORDS,
    }
    return found


def render(template: str, **context: Any) -> str:
    """A page's text."""
    return environment().get_template(template).render(**context)


def page(
    request: AnyRequest,
    generation: Generation,
    template: str,
    make: Callable[[], Mapping[str, Any]],
    *,
    drive_id: int | None = None,
) -> Response[bytes]:
    """Answer with a template and what `make` gives it; call it when the request is sound.

    Args:
        request: What is answered.
        generation: What the page is made from.
        template: Name of the template.
        make: Gives what the template needs.
        drive_id: The drive that all of the page tells of, if it does.
    """

    def answer() -> str:
        return render(template, path=request.url.path, generation=generation, **make())

    of_drive = None if drive_id is None else OfDrive(drive_id, published(generation))
    return respond(request, generation, answer, media_type=HTML, of_drive=of_drive)


def published(generation: Generation) -> str:
    """Which data a page shows: the only words of it that name the generation."""
    at = formats.moment(generation.published_at_utc)
    return f"Data published {at} UTC, generation {generation.number}."


def answer_error(request: AnyRequest, error: EngagementError) -> Response[str]:
    """Say on a page what is wrong with an address, or with the database."""
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer_unforeseen(request, error)
    title = _IN_USE if isinstance(error, StoreBusyError) else _TITLES.get(status)
    return _error_page(status, str(error), title)


def answer_http(request: AnyRequest, error: HTTPException) -> Response[str]:
    """The same of what Litestar refuses."""
    status = HTTPStatus(error.status_code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer_unforeseen(request, error)
    return _error_page(status, error.detail, _TITLES.get(status))


def answer_unforeseen(request: AnyRequest, error: Exception) -> Response[str]:
    """A mistake of ours: it is logged, and nobody learns of the inside."""
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
