"""Errors as problem documents (RFC 9457): one table has the status of each kind.

An error of ours says what is wrong and what to do: its message is the document's `detail`.
Unexpected errors are described only in the log. Litestar's plugin has no type for OpenAPI, and
works only inside the router, while `middleware` refuses requests outside of it.
"""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response
from litestar.exceptions import HTTPException

from engagement import errors

if TYPE_CHECKING:
    from collections.abc import Mapping

    from litestar import Request

MEDIA_TYPE = "application/problem+json"

# Subclasses before their bases.
STATUSES: Mapping[type[errors.EngagementError], HTTPStatus] = {
    errors.NotFoundError: HTTPStatus.NOT_FOUND,
    errors.InputError: HTTPStatus.BAD_REQUEST,
    errors.QueryTimeoutError: HTTPStatus.GATEWAY_TIMEOUT,
    errors.QueryTooLargeError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.ServerBusyError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.OtherDefinitionsError: HTTPStatus.CONFLICT,
    errors.VideoExtraError: HTTPStatus.NOT_IMPLEMENTED,
    errors.VideoError: HTTPStatus.NOT_FOUND,
    errors.StoreError: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.EngagementError: HTTPStatus.INTERNAL_SERVER_ERROR,
}
_RETRY_AFTER_S = {HTTPStatus.SERVICE_UNAVAILABLE: 5}

_log = logging.getLogger(__name__)


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with one parameter."""

    parameter: str
    message: str


class Problem(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why there is no answer.

    Attributes:
        type: Names the kind of problem; the same for all of a kind.
        title: The kind in words.
        status: The HTTP status.
        detail: What is wrong this time, and what to do.
        errors: The parameters that are wrong.
    """

    type: str
    title: str
    status: int
    detail: str
    errors: list[Fault] = []

    def response(self, headers: Mapping[str, str] | None = None) -> Response[bytes]:
        """It as an answer."""
        return Response(
            msgspec.json.encode(self),
            status_code=self.status,
            media_type=MEDIA_TYPE,
            headers={"cache-control": "no-store", **(headers or {})},
        )


class ParameterError(errors.InputError):
    """A value in the request that is not valid."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(f"{parameter}: {message}")
        self.parameter = parameter
        self.message = message


def problem(
    status: HTTPStatus, detail: str, *, kind: str = "", faults: list[Fault] | None = None
) -> Problem:
    """A problem of a kind, by default that of the status."""
    name = kind or status.phrase.lower().replace(" ", "-")
    title = status.phrase
    return Problem(f"urn:engagement:{name}", title, int(status), detail, faults or [])


def answer_error(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer to one of our own errors."""
    status = next(status for kind, status in STATUSES.items() if isinstance(error, kind))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer_unforeseen(_request, error)
    faults = []
    if isinstance(error, ParameterError):
        faults = [Fault(error.parameter, error.message)]
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__.removesuffix("Error")).lower()
    retry_after_s = _RETRY_AFTER_S.get(status)
    headers = {"retry-after": str(retry_after_s)} if retry_after_s else {}
    return problem(status, detail_of(error), kind=kind, faults=faults).response(headers)


def detail_of(error: Exception) -> str:
    """What clients are told: of a database no path, which may name people; the log has it."""
    if not isinstance(error, errors.StoreError):
        return str(error)
    _say_once(str(error))
    path = getattr(error, "path", None)
    if path is None:
        return "the database can't be read now; the server's log says why"
    return str(error).replace(f"{path}: ", "").replace(str(path), "FILE")


@lru_cache(maxsize=32)
def _say_once(message: str) -> None:
    _log.warning("%s", message)


def answer_http(_request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """The answer to a request that Litestar refuses, as for an unknown path or a wrong type."""
    status = HTTPStatus(error.status_code)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return answer_unforeseen(_request, error)
    faults = [
        Fault(str(entry.get("key", "")), str(entry.get("message", "")))
        for entry in (error.extra if isinstance(error.extra, list) else [])
        if isinstance(entry, dict)
    ]
    named = "; ".join(f"{fault.parameter}: {fault.message}" for fault in faults)
    headers = {name.lower(): value for name, value in (error.headers or {}).items()}
    return problem(status, named or error.detail, faults=faults).response(headers)


def answer_unforeseen(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The answer to a bug: it is logged, and the client learns nothing of the inside."""
    _log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "the server made a mistake; its log says which"
    ).response()


HANDLERS: dict[Any, Any] = {
    errors.EngagementError: answer_error,
    HTTPException: answer_http,
    Exception: answer_unforeseen,
}
