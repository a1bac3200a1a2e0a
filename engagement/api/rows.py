"""Rows of a public view: filtered, ordered, page by page, with the requested columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import QueryParameter

from engagement.api.answers import respond
from engagement.api.handlers import AnyRequest, read
from engagement.api.paging import Order, parse_fields, parse_order
from engagement.api.request_filters import Filters
from engagement.errors import NotFoundError
from engagement.export.numbered import is_numbered
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.store.serving import Column, Narrowing

_DEFAULT_LIMIT = 100
_MAX_LIMIT = 1000
# Beside summaries, which are computed over all drives, the views that most lists read.
_IN_MEMORY = frozenset({"drives", "events"})

Row = dict[str, Any]

Sort = Annotated[
    str | None,
    QueryParameter(
        max_length=300,
        description="Columns to order by, with commas; `-` before one puts the greatest first.",
    ),
]
Fields = Annotated[
    str | None,
    QueryParameter(max_length=4000, description="Columns to give, with commas; all by default."),
]
Limit = Annotated[int, QueryParameter(ge=1, le=_MAX_LIMIT, description="Rows of a page, at most.")]
Cursor = Annotated[
    str | None,
    QueryParameter(max_length=4000, description="`next_cursor` of the page before."),
]


@dataclass(frozen=True, slots=True)
class Wanted:
    """The requested rows of a view, their order and columns; not checked yet."""

    filters: Filters
    sort: str | None = None
    fields: str | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """The requested page of these rows."""

    limit: int = _DEFAULT_LIMIT
    cursor: str | None = None


def provide_wanted(
    filters: NamedDependency[Filters], sort: Sort = None, fields: Fields = None
) -> Wanted:
    """The filters, order and columns of a URL."""
    return Wanted(filters, sort, fields)


def provide_span(limit: Limit = _DEFAULT_LIMIT, cursor: Cursor = None) -> Span:
    """The page of a URL."""
    return Span(limit, cursor)


class Page(msgspec.Struct, frozen=True):
    """Some rows of a view, in their order.

    Attributes:
        view: Whose rows they are; `/api/v1/views` says what its columns mean.
        generation: Of the database that they were read from.
        definitions: Number of those that its numbers are of; null of the old system's views.
        rows: By column; null is not known.
        next_cursor: Where the next page begins; null on the last one.
    """

    view: str
    generation: int
    definitions: int | None
    rows: list[Row]
    next_cursor: str | None


@dataclass(frozen=True, slots=True)
class RowsQuery:
    """A checked request for rows of a view."""

    generation: Generation
    view: str
    columns: Mapping[str, Column]
    names: list[str]
    order: Order
    conditions: list[str]
    values: dict[str, Any]
    narrowing: Narrowing | None

    def page(self, span: Span) -> Page:
        """The rows after a cursor, at most as many as the limit.

        Raises:
            ParameterError: If it is no cursor of this query.
        """
        limit, conditions, values = span.limit, self.conditions, self.values
        if span.cursor is not None:
            condition, after = self.order.after(span.cursor)
            conditions, values = [*conditions, condition], values | after
        names = list(dict.fromkeys([*self.names, *(key.column.name for key in self.order.keys)]))
        query = f"{self._select(names, conditions)} limit {limit + 1}"
        found = self.generation.rows(query, values, narrowing=self.narrowing)
        rows = found[:limit]
        next_cursor = self.order.cursor_after(rows[-1]) if len(found) > limit else None
        if len(names) > len(self.names):
            rows = [{name: row[name] for name in self.names} for row in rows]
        of = self.generation
        definitions = of.definitions if is_numbered(self.view) else None
        return Page(self.view, of.number, definitions, in_utc(rows), next_cursor)

    @property
    def sql(self) -> str:
        """The query for all rows."""
        return self._select(self.names, self.conditions)

    def _select(self, names: list[str], conditions: list[str]) -> str:
        selected = ", ".join(f'"{name}"' for name in names)
        where = f"where {' and '.join(conditions)}" if conditions else ""
        return f"select {selected} from {self._source()} {where} order by {self.order.sql}"

    def _source(self) -> str:
        is_summary = "drive_id" not in self.columns
        if self.narrowing is None and (is_summary or self.view in _IN_MEMORY):
            return self.generation.in_memory(self.view)
        return f'engagement.main."{self.view}"'


def plan(generation: Generation, view: str, wanted: Wanted) -> RowsQuery:
    """Check a request.

    Raises:
        NotFoundError: If there is no such view, or no such drive.
        ParameterError: If a filter, a column or the order is not valid.
    """
    columns = generation.columns(view)
    wanted.filters.check(view, columns)
    order = parse_order(view, columns, generation.described().keys[view], wanted.sort)
    names = parse_fields(view, columns, wanted.fields)
    conditions, values = wanted.filters.on_rows(generation, columns)
    narrowing = wanted.filters.narrowing(generation, columns)
    return RowsQuery(generation, view, columns, names, order, conditions, values, narrowing)


def listing(view: str, description: str, tag: str) -> Any:
    """A handler that gives the rows of one view, at the path of its router."""

    @read("/", Page, operation_id=f"list{view.title()}", tags=[tag], view=view)
    def list_rows(
        request: AnyRequest,
        generation: NamedDependency[Generation],
        wanted: NamedDependency[Wanted],
        span: NamedDependency[Span],
    ) -> Response[Any]:
        return answer_page(request, generation, view, wanted, span)

    list_rows.fn.__doc__ = description
    return list_rows


def answer_page(
    request: AnyRequest,
    generation: Generation,
    view: str,
    wanted: Wanted,
    span: Span,
) -> Response[Any]:
    """Answer with a page of a view's rows."""
    query = plan(generation, view, wanted)
    if span.cursor is not None:
        query.order.after(span.cursor)  # a wrong cursor is refused even if the client has the page
    return respond(
        request, generation, lambda: query.page(span), is_numbered=is_numbered(query.view)
    )


def in_utc(rows: list[Row]) -> list[Row]:
    """Rows for JSON: their times get their zone, UTC."""
    names = {name for row in rows for name, value in row.items() if isinstance(value, datetime)}
    for row in rows if names else ():
        for name in names:
            value = row[name]
            row[name] = value if value is None else value.replace(tzinfo=UTC)
    return rows


def one_row(generation: Generation, kind: str, name: str, query: str, **values: Any) -> Row:
    """The only row of a query.

    Raises:
        NotFoundError: If there is none.
    """
    rows = in_utc(generation.rows(query, values))
    if not rows:
        raise NotFoundError(kind, name)
    return rows[0]
