"""Every public view: its columns and their comments, and its rows in any format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response, Router
from litestar.di import NamedDependency
from litestar.params import FromPath

from engagement.api import downloads
from engagement.api.answers import respond
from engagement.api.handlers import AnyRequest, read
from engagement.api.rows import Page, Span, Wanted, answer_page, listing, plan
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from engagement.api.downloads import Downloads, FileKind

_TAGS = ["views"]


class ViewColumn(msgspec.Struct, frozen=True):
    """A column: its type in DuckDB, and what it means."""

    name: str
    type: str
    comment: str


class View(msgspec.Struct, frozen=True):
    """A public view: what it holds, column by column."""

    name: str
    comment: str
    columns: list[ViewColumn]


class Views(msgspec.Struct, frozen=True):
    """All public views.

    Attributes:
        definitions: Number of those that their numbers are of, but for the old system's views.
        views: By name.
    """

    definitions: int
    views: list[View]


@read("/", Views, operation_id="listViews", tags=_TAGS)
def list_views(request: AnyRequest, generation: NamedDependency[Generation]) -> Response[Any]:
    """List the public views and what their columns mean."""
    return respond(request, generation, lambda: describe_views(generation))


def describe_views(generation: Generation) -> Views:
    """The public views with their comments."""
    return Views(
        generation.definitions,
        [
            View(
                name,
                comment,
                [
                    ViewColumn(column.name, column.kind, column.comment)
                    for column in generation.columns(name).values()
                ],
            )
            for name, comment in generation.views().items()
        ],
    )


@read("/{view:str}", Page, operation_id="listRows", tags=_TAGS)
def list_rows(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    wanted: NamedDependency[Wanted],
    span: NamedDependency[Span],
    view: FromPath[str],
) -> Response[Any]:
    """Give rows of a view, page by page."""
    return answer_page(request, generation, view, wanted, span)


def _download(kind: FileKind) -> Any:
    @read(
        f"/{{view:str}}/{kind.suffix}",
        bytes,
        operation_id=f"download{kind.suffix.title()}",
        tags=_TAGS,
        media_type=kind.media_type,
    )
    def download(
        request: AnyRequest,
        generation: NamedDependency[Generation],
        wanted: NamedDependency[Wanted],
        view: FromPath[str],
    ) -> Response[Any]:
        """Give all rows of a view as a file."""
        query = plan(generation, view, wanted)
        files: Downloads = request.app.state.downloads
        return files.respond(request, query, kind)

    return download


_STATISTICS = {
    "rates": "List how often each event happens in groups of drives, with intervals.",
    "groups": "List groups of drives with their engagement.",
    "mtbf": "List the mean time between failures of each event name.",
    "places": "List the cells of ground that drives passed, with their interventions.",
}

statistics_routers = [
    Router(f"/{view}", route_handlers=[listing(view, description, "statistics")])
    for view, description in _STATISTICS.items()
]
router = Router(
    "/views",
    route_handlers=[
        list_views,
        list_rows,
        *map(_download, (downloads.CSV, downloads.PARQUET, downloads.ARROW)),
    ],
)
