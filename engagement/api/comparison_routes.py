"""Two groups of drives side by side, and what the difference rests on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from engagement.analysis.comparison import Watch, compare
from engagement.analysis.grouping import (
    ALL_DRIVES,
    KINDS,
    PATTERN,
    comparable_drives,
    divide,
    parse_grouping,
)
from engagement.analysis.measures import measure_names
from engagement.analysis.summary import describe as describe_measures
from engagement.analysis.summary import summarize
from engagement.api.answers import respond
from engagement.api.handlers import AnyRequest, read
from engagement.api.problems import ParameterError
from engagement.api.request_filters import MAX_LENGTH, Filters
from engagement.errors import InputError, ServerBusyError, suggestion
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engagement.analysis.comparison import Comparison
    from engagement.analysis.grouping import Division

_GROUPING = f"^({PATTERN})$"


class ComparisonDocument(msgspec.Struct, frozen=True):
    """What the drives allow to say about a difference; every ratio is B / A.

    Attributes:
        generation: Of the database.
        definitions: Number of those that its numbers are of.
        by: What the groups differ in.
        a: The baseline: its name, drives and exposure.
        b: The candidate.
        n_others: Other drives of the database; each measure has how many of them tell of it, whose
            dispersion its test relies on if they are 30.
        verdict: Whether B is better than A, in a sentence, false discoveries held at 5 %.
        headline: In a sentence, of interventions.
        findings: In sentences, what else chance seldom does.
        sequences: In sentences, what looks after every drive told.
        obstacles: In sentences, whose ratio is doubtful for the speeds, with counts by band.
        notes: In sentences, what is not told.
        warnings: In sentences, what to keep in mind.
        measures: Every measure: both values with intervals, ratio, p, q, its answer, counts by
            speed band, looks after every drive if asked for, and its sentence.
    """

    generation: int
    definitions: int
    by: str
    a: dict[str, Any]
    b: dict[str, Any]
    n_others: int
    verdict: str
    headline: str
    findings: list[str]
    sequences: list[str]
    obstacles: list[str]
    notes: list[str]
    warnings: list[str]
    measures: list[dict[str, Any]]


def _group(which: str) -> Any:
    description = f"Name of the {which}; for dates, two days as 2025-07-01..2025-07-31."
    return QueryParameter(min_length=1, max_length=MAX_LENGTH, description=description)


@read(
    "/comparison",
    ComparisonDocument,
    operation_id="getComparison",
    tags=["statistics"],
    view="drives",
)
def get_comparison(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    filters: NamedDependency[Filters],
    *,
    by: Annotated[
        str,
        QueryParameter(
            min_length=1,
            max_length=MAX_LENGTH,
            description=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}; or two dimensions with a comma, "
            "as model,night.",
            schema_extra={"pattern": _GROUPING},
        ),
    ],
    a: Annotated[str, _group("baseline")],
    b: Annotated[str, _group("candidate")],
    sequential: Annotated[
        str | None,
        QueryParameter(
            max_length=MAX_LENGTH,
            description="A measure to look at after every drive, as interventions_per_100km.",
        ),
    ] = None,
    until_drives: Annotated[
        int | None,
        QueryParameter(
            ge=1, le=10**6, description="The planned end of these looks, in drives of B."
        ),
    ] = None,
) -> Response[Any]:
    """Compare two groups of drives in every measure, at like speeds."""
    division = divide_drives(generation, filters, by, a, b)
    if sequential is not None and sequential not in measure_names():
        near = suggestion(sequential, measure_names())
        raise ParameterError("sequential", f"no measure {sequential!r}{near}")
    watch = Watch(frozenset([sequential]), until_drives) if sequential else None

    def answer() -> ComparisonDocument:
        with in_turn(request):
            others = comparable_drives(generation, ALL_DRIVES)
            found = compare(generation, division, others=others, watch=watch)
        return describe(generation, found)

    return respond(request, generation, answer)


@contextmanager
def in_turn(request: AnyRequest) -> Iterator[None]:
    """Compute one comparison at a time: each takes a core for as long as it lasts.

    Raises:
        ServerBusyError: If another one is being computed.
    """
    turn = request.app.state.comparisons
    if not turn.acquire(blocking=False):
        raise ServerBusyError("another comparison is being computed")
    try:
        yield
    finally:
        turn.release()


def divide_drives(generation: Generation, filters: Filters, by: str, a: str, b: str) -> Division:
    """The drives of both groups, of those that the filters leave.

    Raises:
        ParameterError: If the grouping or a range of days does not do.
        NotFoundError: If there is no such group.
    """
    filters.check("drives", generation.columns("drives"))
    drives = comparable_drives(
        generation, generation.in_memory("drives"), filters.drives(generation)
    )
    try:
        grouping = parse_grouping(by)
    except InputError as error:
        raise ParameterError("by", str(error).removeprefix("--by ")) from error
    return divide(generation, grouping, a, b, drives)


def describe(generation: Generation, found: Comparison) -> ComparisonDocument:
    """A comparison with what it allows to say."""
    return ComparisonDocument(
        generation=generation.number,
        definitions=generation.definitions,
        by=found.by,
        a=asdict(found.a),
        b=asdict(found.b),
        n_others=found.n_others,
        **asdict(summarize(found, "100km")),
        measures=describe_measures(found),
    )
