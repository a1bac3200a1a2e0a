"""How handlers are declared and called: answers and refusals, parameters, the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from litestar import Request, get
from litestar.constants import RESERVED_KWARGS
from litestar.datastructures import State
from litestar.openapi.datastructures import ResponseSpec
from litestar.openapi.spec import OpenAPIType, Parameter

from engagement.api.answers import JSON
from engagement.api.problems import MEDIA_TYPE, ParameterError, Problem
from engagement.errors import suggestion
from engagement.store.serving import Generation, Lease, Publication

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

AnyRequest = Request[Any, Any, State]

# The generation that is asked ahead of all requests; None in those.
AHEAD: ContextVar[Generation | None] = ContextVar("AHEAD", default=None)

_REFUSALS = {
    400: "A parameter is wrong; the problem names it.",
    401: "A token is needed.",
    404: "There is no such thing.",
    414: "The address is too long.",
    413: "The answer would be too large.",
    429: "Too many requests.",
    503: "There is no database that can be read now.",
    504: "The query took too long.",
}


def responses(
    answer: Any, refusals: Mapping[int, str], *, media_type: str = JSON
) -> dict[int, ResponseSpec]:
    """What an operation answers, for the OpenAPI document.

    Args:
        answer: The type of the answer.
        refusals: What each status of a problem document means.
        media_type: Of the answer.
    """
    found = {
        status: ResponseSpec(
            Problem, generate_examples=False, description=description, media_type=MEDIA_TYPE
        )
        for status, description in refusals.items()
    }
    found[200] = ResponseSpec(
        answer, generate_examples=False, description="The answer.", media_type=media_type
    )
    found[304] = ResponseSpec(None, description="The answer of the ETag that was sent.")
    return found


def read(
    path: str,
    answer: Any,
    *,
    operation_id: str,
    tags: list[str],
    media_type: str = JSON,
    view: str | None = None,
) -> Callable[..., Any]:
    """Declare a handler that reads the database; its docstring describes it.

    Args:
        path: Below its router's.
        answer: The type of what it answers.
        operation_id: Its name in the OpenAPI document.
        tags: Where it stands there.
        media_type: Of the answer.
        view: The view that it lists.
    """
    return get(
        path,
        operation_id=operation_id,
        opt={"view": view} if view else {},
        responses=responses(answer, _REFUSALS, media_type=media_type),
        sync_to_thread=True,
        tags=tags,
    )


async def ignore_unknown_parameters(request: AnyRequest) -> None:
    """Normalise the query, which is part of the cache's key.

    Unknown parameters are removed, and the others put in the order of the handler's arguments; one
    that is given more than once counts once, unless it is a list.
    """
    sent = request.scope["query_string"]
    handler = request.route_handler
    taken = handler.parsed_fn_signature.parameters
    if not sent or "generation" not in taken:  # answers without a database are not cached
        return
    providers, known = handler.resolve_dependencies(), list[str]()
    for name in taken:
        provider = providers.get(name)
        known += provider.parsed_fn_signature.parameters if provider else [name]
    pairs = parse_qsl(sent.decode("latin-1"), keep_blank_values=True)
    values = {
        name: [value for given, value in pairs if given == name]
        for name in known
        if name not in RESERVED_KWARGS
    }
    lists = {name for name, field in taken.items() if field.is_non_string_sequence}
    in_order = [
        (name, value)
        for name, given in values.items()
        for value in (dict.fromkeys(given) if name in lists else given[:1])
    ]
    request.scope["query_string"] = urlencode(in_order).encode()


def refuse_unknown_parameters(request: AnyRequest) -> None:
    """Refuse unknown parameters, which are probably misspelt; Litestar ignores them.

    Raises:
        ParameterError: Naming it; also one that is given twice, or as `null`, which Litestar takes
            for a missing one.
    """
    if not request.query_params:
        return
    kinds = _parameter_kinds(request)
    for name in request.query_params:
        if name not in kinds:
            raise ParameterError(name, f"there is no such parameter{suggestion(name, kinds)}")
        values = request.query_params.getall(name)
        if len(values) > 1:
            raise ParameterError(name, "it is given more than once")
        if values[0].lower() == "null" and kinds[name]:
            raise ParameterError(name, "null is no value; leave it out")


def _parameter_kinds(request: AnyRequest) -> dict[str, bool]:
    """The parameters of the operation, and whether each has another type than text."""
    item = (request.app.openapi_schema.paths or {}).get(request.scope["path_template"])
    parameters = (item.get.parameters if item and item.get else None) or []
    return {
        parameter.name: not _is_text(parameter.schema)
        for parameter in parameters
        if isinstance(parameter, Parameter) and parameter.param_in == "query"
    }


def _is_text(schema: Any) -> bool:
    return getattr(schema, "type", None) == OpenAPIType.STRING and not schema.format


async def provide_generation(state: State) -> AsyncIterator[Generation]:
    """Give a handler the newest published generation for as long as it runs."""
    async with newest(state) as generation:
        yield generation


@asynccontextmanager
async def newest(state: State) -> AsyncIterator[Generation]:
    """The newest published generation, opened in a thread so that the event loop never waits.

    A generation that was replaced is closed in a thread too, as that can take long.
    """
    ahead = AHEAD.get()
    if ahead is not None:
        yield ahead
        return
    publication: Publication = state.publication
    lease = publication.acquire_open() or await _open(publication, state.opening)
    try:
        yield lease.generation
    finally:
        if lease.is_replaced:
            await asyncio.to_thread(publication.release, lease)
        else:
            publication.release(lease)


async def _open(publication: Publication, opening: asyncio.Lock) -> Lease:
    async with opening:
        lease = publication.acquire_open()
        return await asyncio.to_thread(publication.acquire) if lease is None else lease
