"""Moments that a client describes: the language of `engagement find`, and nothing else.

An expression is read before anything is asked of the database; numbers and texts in it reach that
as parameters alone. The time of all its queries together is that of a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from engagement.api.addresses import moment_url
from engagement.api.answers import respond
from engagement.api.handlers import AnyRequest, read
from engagement.api.problems import ParameterError
from engagement.api.request_filters import Filters
from engagement.api.rows import in_utc
from engagement.errors import InputError, NotFoundError
from engagement.find.moments import find_moments, named_expression, read_expression
from engagement.find.rates import check_crossing, moment_rates
from engagement.groupings import ALL, DIMENSIONS, crossed_pattern, parse_crossing
from engagement.moments.grammar import MAX_LENGTH
from engagement.store.query_types import Narrowing
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from engagement.groupings import Crossing
    from engagement.moments.compiling import Query

    Row = dict[str, Any]

_OF_WHOLE_DRIVES = "|".join(
    (ALL, crossed_pattern([one.option for one in DIMENSIONS.values() if one.level == "drive"]))
)
MAX_MOMENTS = 10_000  # that are counted
_DEFAULT_LIMIT = 100
_MAX_LIMIT = 1000


class Moments(msgspec.Struct, frozen=True):
    """The moments that an expression describes.

    Attributes:
        generation: Of the database.
        definitions: Number of those that its numbers are of.
        expression: What was read: the expression, or that of the name that was given.
        n_moments: How many there are in the drives that the filters leave.
        exposure_h: The time of these drives in which the expression could be told.
        moments: The first of them, by drive and time: where each is, and in what; `page` is the
            address of the drive's page at that second.
        rates: Of groups of whole drives, if `by` asks for some: count, hours in which it could
            be told, moments per hour and the limits of its 95 % interval.
    """

    generation: int
    definitions: int
    expression: str
    n_moments: int
    exposure_h: float
    moments: list[dict[str, Any]]
    rates: list[dict[str, Any]] | None


class _Narrowed:
    """A generation whose queries see some drives, and groups of one kind, alone."""

    def __init__(self, generation: Generation, narrowing: Narrowing) -> None:
        self.path = generation.path
        self.definitions = generation.definitions
        self.is_current = generation.is_current
        self._generation = generation
        self._narrowing = narrowing

    def rows(
        self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[dict[str, Any]]:
        return self._generation.rows(query, parameters, narrowing=self._narrowing)

    def table(self, query: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pa.Table:
        narrowing = self._narrowing
        with self._generation.batches(query, parameters, narrowing=narrowing) as batches:
            return batches.read_all()


@read("/moments", Moments, operation_id="findMoments", tags=["events"], view="drives")
def find_described(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    filters: NamedDependency[Filters],
    *,
    find: Annotated[
        str,
        QueryParameter(
            min_length=1,
            max_length=MAX_LENGTH,
            description="An expression, as `engaged and lead_ttc_s < 2, then brake_pressed within "
            "3s`, or the name of one that is saved or ships, as `hard_braking`.",
        ),
    ],
    limit: Annotated[
        int, QueryParameter(ge=1, le=_MAX_LIMIT, description="Moments that are listed, at most.")
    ] = _DEFAULT_LIMIT,
    by: Annotated[
        str | None,
        QueryParameter(
            max_length=100,
            description="Give rates of groups of whole drives, as branch; two with a comma; all.",
            schema_extra={"pattern": f"^({_OF_WHOLE_DRIVES})$"},
        ),
    ] = None,
) -> Response[Any]:
    """Find the moments that an expression describes; with `by`, their rates."""
    wanted = read_request(generation, find, filters, by)
    return respond(request, generation, lambda: answer(generation, wanted, limit))


@dataclass(frozen=True, slots=True)
class Described:
    """A checked request: an expression, the drives that are meant, and the groups, if any."""

    expression: str
    query: Query
    filters: Filters
    crossing: Crossing | None


def read_request(generation: Generation, find: str, filters: Filters, by: str | None) -> Described:
    """Check a request.

    Raises:
        ParameterError: If it is no expression, a filter is none of drives, or the groups have
            parts of drives.
    """
    filters.check("drives", generation.columns("drives"))
    try:
        expression = named_expression(generation, find)
        query = read_expression(generation, expression)
    except (InputError, NotFoundError) as error:
        raise ParameterError("find", str(error)) from error
    try:
        crossing = parse_crossing(by) if by else None
        if crossing:
            check_crossing(crossing)
    except InputError as error:
        raise ParameterError("by", str(error).removeprefix("--by ")) from error
    return Described(expression, query, filters, crossing)


def answer(generation: Generation, wanted: Described, limit: int) -> Moments:
    """The answer to a checked request.

    Raises:
        QueryTooLargeError: If there are more moments than are counted.
    """
    crossing = wanted.crossing
    selected = wanted.filters.drives(generation)
    condition = selected.where if selected.values else ""
    narrowed = _Narrowed(
        generation, Narrowing(condition, selected.values if condition else {}, None, crossing)
    )
    # What other drives than the groups' tell of an interval is of all drives.
    found = find_moments(generation if crossing else narrowed, wanted.query, MAX_MOMENTS)
    rates = moment_rates(narrowed, found, crossing) if crossing else None
    kept = {row["drive_id"] for row in narrowed.rows("select drive_id from drives")}
    moments = [row for row in found.moments if row["drive_id"] in kept]
    exposure_s = sum(s for drive_id, s in found.exposures_s.items() if drive_id in kept)
    return Moments(
        generation=generation.number,
        definitions=generation.definitions,
        expression=wanted.expression,
        n_moments=len(moments),
        exposure_h=exposure_s / 3600,
        moments=in_utc([row | {"page": moment_url(row)} for row in moments[:limit]]),
        rates=rates,
    )
