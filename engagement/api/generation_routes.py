"""Which generation of the database answers now: cheap to ask, for who waits for new data."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency

from engagement.api.answers import respond
from engagement.api.handlers import AnyRequest, read
from engagement.store.serving import Generation


class GenerationDocument(msgspec.Struct, frozen=True):
    """A published database.

    Attributes:
        generation: Counts its publications.
        definitions: Number of those that its numbers are of.
        published_at_utc: When it was published.
    """

    generation: int
    definitions: int
    published_at_utc: datetime


@read("/generation", GenerationDocument, operation_id="getGeneration", tags=["database"])
def get_generation(request: AnyRequest, generation: NamedDependency[Generation]) -> Response[Any]:
    """Say which generation of the database answers are read from."""
    return respond(
        request,
        generation,
        lambda: GenerationDocument(
            generation.number, generation.definitions, generation.published_at_utc
        ),
    )
