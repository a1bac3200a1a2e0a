"""Two groups of drives side by side, and what the difference rests on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from engagement.analysis.comparison import N_PERMUTATIONS, compare
from engagement.analysis.grouping import KINDS, comparable_drives, divide, parse_grouping
from engagement.analysis.summary import describe as describe_measure
from engagement.analysis.summary import findings, headline, notes
from engagement.analysis.wording import warnings
from engagement.api.answers import respond
from engagement.api.handlers import AnyRequest, read
from engagement.api.problems import ParameterError
from engagement.api.request_filters import MAX_LENGTH, Filters
from engagement.errors import InputError, ServerBusyError
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engagement.analysis.comparison import Comparison
    from engagement.analysis.grouping import Division

_GROUPING = f"^({'|'.join(KINDS).replace('NAME', '.+')})$"


class ComparisonDocument(msgspec.Struct, frozen=True):
    """What the drives allow to say about a difference; every ratio is B / A.

    Attributes:
        generation: Of the database.
        by: What the groups differ in.
        a: The baseline: its name, drives and exposure.
        b: The candidate.
        seed: Of the permutations.
        n_permutations: How often labels were dealt anew.
        headline: In a sentence, of interventions.
        findings: In sentences, what else chance seldom does.
        notes: In sentences, what is not told.
        warnings: In sentences, what to keep in mind.
        measures: Every measure: both values with intervals, ratio, p, and its sentence.
    """

    generation: int
    by: str
    a: dict[str, Any]
    b: dict[str, Any]
    seed: int
    n_permutations: int
    headline: str
    findings: list[str]
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
            description=f"{', '.join(KINDS[:-1])} or {KINDS[-1]}.",
            schema_extra={"pattern": _GROUPING},
        ),
    ],
    a: Annotated[str, _group("baseline")],
    b: Annotated[str, _group("candidate")],
    seed: Annotated[int, QueryParameter(ge=0, le=2**31, description="For the same p again.")] = 1,
    permutations: Annotated[
        int, QueryParameter(ge=100, le=N_PERMUTATIONS, description="How many, at most.")
    ] = N_PERMUTATIONS,
) -> Response[Any]:
    """Compare two groups of drives in every measure, at like speeds."""
    division = divide_drives(generation, filters, by, a, b)

    def answer() -> ComparisonDocument:
        with in_turn(request):
            found = compare(generation, division, seed=seed, n_permutations=permutations)
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
    measures = [describe_measure(difference) for difference in found.differences]
    return ComparisonDocument(
        generation.number,
        found.by,
        asdict(found.a),
        asdict(found.b),
        found.seed,
        found.n_permutations,
        headline(found, "100km"),
        findings(found, "100km"),
        notes(found, "100km"),
        warnings(found),
        measures,
    )
