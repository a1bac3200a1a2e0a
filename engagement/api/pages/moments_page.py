"""Moments that a reader describes in a search box: listed as events are, with their rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from engagement.api.moment_routes import answer, read_request
from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.problems import ParameterError
from engagement.api.request_filters import Filters
from engagement.errors import QueryTooLargeError
from engagement.moments.shipped import shipped_moments
from engagement.moments.signals import known_signals, known_words
from engagement.store.saved_moments import read_saved
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAX_LISTED = 200


@get("/moments", sync_to_thread=True)
def get_moments(
    request: AnyRequest, generation: NamedDependency[Generation], *, find: FromQuery[str] = ""
) -> Response[bytes]:
    """Find the moments that an expression describes."""
    return page(request, generation, "moments.html", lambda: _read(generation, find.strip()))


def _read(generation: Generation, find: str) -> Mapping[str, Any]:
    found, problem = None, ""
    if find and generation.is_current:
        try:
            wanted = read_request(generation, find, Filters({}), "all")
            found = answer(generation, wanted, _MAX_LISTED)
        except ParameterError as error:
            problem = error.message
        except QueryTooLargeError as error:
            problem = str(error)
    return {"find": find, "found": found, "problem": problem, **_completions(generation)}


def _completions(generation: Generation) -> Mapping[str, Any]:
    """What a reader may write: names of moments, words, and columns with what they mean."""
    if not generation.is_current:
        return {"named": [], "known": [], "terms": []}
    signals = generation.cached("signals", lambda: known_signals(generation.rows))
    named = [(one.name, one.expression) for one in read_saved(generation.rows)]
    named += [(name, one.says) for name, one in shipped_moments().items()]
    comments = generation.columns("samples")
    return {
        "named": named,
        "known": [(name, comments[name].comment) for name in signals],
        "terms": sorted({*signals, *known_words(signals), *(name for name, _ in named)}),
    }
