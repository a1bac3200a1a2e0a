"""What every number means, in the words of the views themselves."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency

from engagement.api.answers import respond
from engagement.api.handlers import AnyRequest, read
from engagement.api.view_routes import View, describe_views
from engagement.store import samples
from engagement.store.serving import Generation


class Threshold(msgspec.Struct, frozen=True):
    """A parameter of the definitions, as the database's results were computed with."""

    name: str
    value: float
    unit: str
    why: str


class Signal(msgspec.Struct, frozen=True):
    """A series that plots can show."""

    name: str
    unit: str
    title: str


class Glossary(msgspec.Struct, frozen=True):
    """All that is defined."""

    generation: int
    definitions: int
    views: list[View]
    thresholds: list[Threshold]
    series: list[Signal]


@read("/glossary", Glossary, operation_id="getGlossary", tags=["glossary"])
def get_glossary(request: AnyRequest, generation: NamedDependency[Generation]) -> Response[Any]:
    """Explain each view, column, threshold and series."""
    return respond(request, generation, lambda: glossary(generation))


def glossary(generation: Generation) -> Glossary:
    """All that is defined in a database."""
    rows = generation.rows("select name, value, unit, why from store.parameter order by name")
    return Glossary(
        generation.number,
        generation.definitions,
        describe_views(generation).views,
        msgspec.convert(rows, list[Threshold]),
        [Signal(series.name, series.unit, series.title) for series in samples.SERIES.values()],
    )
