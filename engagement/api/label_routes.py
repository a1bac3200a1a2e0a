"""What people say of events, written through the API where the server was started to take it.

A label is written as `engagement events label` writes it: into the next generation, under the
writer's lock, so that none is lost to an ingest. Whoever sends one is who may: the token of all
requests, or this machine alone; and a page of another site can't have its visitors' browsers send
one, as that needs a method and a type that other sites must ask for first, which is refused, and a
browser says where a request is from. Litestar's protection needs a cookie that pages can read.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from litestar import Router, delete, put
from litestar.di import NamedDependency
from litestar.enums import RequestEncodingType
from litestar.exceptions import ClientException, PermissionDeniedException
from litestar.params import FromPath, JSONBody

from engagement.api.event_routes import event_row
from engagement.api.handlers import AnyRequest
from engagement.api.middleware import MAX_BODY_BYTES
from engagement.errors import StoreBusyError, StoreOutdatedError
from engagement.store.labels import label_events, remove_labels
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from litestar.connection import ASGIConnection

_WAIT_S = 10.0  # for the labels that others give
_CLOSED = (
    "this server takes no labels; start it with --allow-labels, or use `engagement events label`"
)
_FOREIGN = "a page of another site sent this, so no label is given"
_TYPE = f"send the label as {RequestEncodingType.JSON.value}"


class LabelSent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody says of an event.

    Attributes:
        label: A word.
        note: A remark; null keeps the one that is there, an empty text removes it.
        is_new: Whether a word that looks like a misspelt one is meant.
    """

    label: str
    note: str | None = None
    is_new: bool = False


class LabelKept(msgspec.Struct, frozen=True):
    """The label that an event has now; null for none."""

    event_id: str
    label: str | None


def _admit(connection: ASGIConnection[Any, Any, Any, Any], _handler: object) -> None:
    """Let in who may label.

    Raises:
        PermissionDeniedException: If nobody may, or a page of another site asks.
    """
    if not connection.app.state.settings.allow_labels:
        raise PermissionDeniedException(_CLOSED)
    headers = connection.headers
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    is_foreign = site != "same-origin" if site else _is_elsewhere(origin, headers.get("host"))
    if is_foreign:
        raise PermissionDeniedException(_FOREIGN)


def _is_elsewhere(origin: str | None, host: str | None) -> bool:
    """Whether a browser names another server than the one that it asks; others name none."""
    try:
        return origin is not None and urlsplit(origin).netloc != host
    except ValueError:
        return True


@put("/", request_max_body_size=MAX_BODY_BYTES, sync_to_thread=True)
def put_label(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    event_id: FromPath[str],
    data: JSONBody[LabelSent],
) -> LabelKept:
    """Label an event."""
    if request.content_type[0] != RequestEncodingType.JSON:
        raise ClientException(_TYPE, status_code=HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
    event = event_row(generation, event_id)["event_id"]
    with _alone(request, generation) as database:
        label_events(database, [event], data.label, data.note, is_new=data.is_new)
    return LabelKept(event, data.label.strip().lower())


@delete("/", status_code=HTTPStatus.OK, sync_to_thread=True)
def delete_label(
    request: AnyRequest, generation: NamedDependency[Generation], event_id: FromPath[str]
) -> LabelKept:
    """Take an event's label away."""
    event = event_row(generation, event_id)["event_id"]
    with _alone(request, generation) as database:
        remove_labels(database, [event])
    return LabelKept(event, None)


@contextmanager
def _alone(request: AnyRequest, generation: Generation) -> Iterator[Path]:
    """The database, while no other label is written by this server.

    Raises:
        StoreOutdatedError: If it would have to be computed anew first, which takes long.
        StoreBusyError: If others write too many.
    """
    database: Path = request.app.state.publication.path
    if not generation.is_current:
        raise StoreOutdatedError(database)
    writing: threading.Lock = request.app.state.labelling
    if not writing.acquire(timeout=_WAIT_S):
        raise StoreBusyError(database, "this server")
    try:
        yield database
    finally:
        writing.release()


router = Router(
    "/events/{event_id:str}/label",
    route_handlers=[put_label, delete_label],
    guards=[_admit],
    include_in_schema=False,
)
