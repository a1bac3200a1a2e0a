"""The tools and resources of the server, over stdio or HTTP; what they answer is in `questions`.

The library checks arguments against the types here, and describes them to the client. It lets
unknown arguments pass, so they are refused here: a filter that is misspelt would leave every drive.
"""

from __future__ import annotations

from functools import partial, wraps
from importlib.metadata import version
from typing import TYPE_CHECKING, Annotated, Any, Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.resources import FunctionResource
from mcp.server.mcpserver.tools import Tool
from mcp.types import ToolAnnotations
from pydantic import ConfigDict, Field, create_model

from engagement.analysis.grouping import KINDS
from engagement.analysis.ranking import MAX_GROUPS
from engagement.api.problems import detail_of
from engagement.api.request_filters import FILTERS, MAX_LENGTH, is_applicable
from engagement.assistants.questions import MAX_ROWS, Questions
from engagement.errors import EngagementError
from engagement.groupings import OPTIONS
from engagement.moments.grammar import MAX_LENGTH as MAX_EXPRESSION
from engagement.resources import resource_dir
from engagement.store.views import public_views

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from engagement.filters import Filter
    from engagement.store.serving import Publication

_INSTRUCTIONS = """\
Drives of cars with openpilot: when it was engaged, when and why it disengaged, what the driver did.
Rates stand with count, exposure and 95 % interval: quote them together. `compare` and `rank` say
what the drives can tell about a difference, and when they can't. `describe_view` and `look_up` say
what a column means and in which unit it is.
"""
_READ_ONLY = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
_PAGES = {
    "definitions": "What every number means, and in which situations it holds.",
    "statistics": "Which test and intervals are used, and what they cover.",
    "cookbook": "Thirty questions with their queries.",
}
_EVENT_COLUMNS = (
    "event_id", "drive_id", "dongle_id", "drive", "segment_num", "time_s", "kind", "mode", "cause",
    "cause_event", "is_intervention", "is_planned", "is_critical", "severity", "speed_mps", "label",
)  # fmt: skip
_DRIVE_COLUMNS = (
    "drive_id", "dongle_id", "drive", "started_at", "car_fingerprint", "git_branch", "version",
    "log_kind", "known_s", "coverage", "engaged_s", "engaged_fraction", "distance_km",
    "engaged_km", "n_interventions", "n_unplanned_interventions", "n_disengagements_counted",
)  # fmt: skip

Text = Annotated[str, Field(min_length=1, max_length=MAX_LENGTH)]
Names = Annotated[list[Text], Field(max_length=100)]
Columns = Annotated[Names, Field(description="Columns to give, of `describe_view`.")]
Limit = Annotated[int, Field(ge=1, le=MAX_ROWS, description="Rows of a page, at most.")]
Order = Annotated[
    Annotated[str, Field(max_length=300)] | None,
    Field(description="Columns, with commas; `-` before one puts the greatest first."),
]
Cursor = Annotated[
    Annotated[str, Field(max_length=4000)] | None,
    Field(description="`next_cursor` of the page before."),
]
By = Annotated[Text, Field(description=f"One of {', '.join(OPTIONS)}; or two with a comma.")]
ComparedBy = Annotated[Text, Field(description=f"One of {', '.join(KINDS)}; or two with a comma.")]
Document = dict[str, Any]


def _filters(name: str, view: str = "", *, without: Iterable[str] = ()) -> Any:
    """Filters as one argument: those of a view or all, each may be left out, no other is taken."""
    columns = public_views()[view].comments if view else ()
    fields: dict[str, Any] = {
        one.name: (Annotated[_kind(one), Field(description=one.about)], None)
        for one in FILTERS.values()
        if one.name not in without and (not view or is_applicable(one.name, view, columns))
    }
    return create_model(name, __config__=ConfigDict(extra="forbid"), **fields)


def _kind(one: Filter) -> Any:
    kind: Any = Annotated[str, Field(max_length=MAX_LENGTH)] if one.kind is str else one.kind
    return kind | None


_OF_DRIVES: Any = _filters("DriveFilters", "drives")
_OF_EVENTS: Any = _filters("EventFilters", "events")
_OF_ANY: Any = _filters("Filters")


def _given(where: Any) -> dict[str, Any]:
    """The filters that are given, by their names."""
    return where.model_dump(exclude_none=True) if where else {}


class Asked:
    """The questions as tools: their arguments have the bounds that clients are told.

    Args:
        questions: To one database.
    """

    def __init__(self, questions: Questions) -> None:
        self._questions = questions

    def list_views(self) -> Document:
        """List the public views and what each holds."""
        return self._questions.list_views()

    def describe_view(self, view: Text) -> Document:
        """Explain each column of a view: type, unit, meaning, when it is null; and its key."""
        return self._questions.describe_view(view)

    def look_up(
        self, term: Annotated[Text, Field(description="A column, a threshold, or part of one.")]
    ) -> Document:
        """Look up in the glossary what a number or a threshold means."""
        return self._questions.look_up(term)

    def list_drives(
        self,
        where: _OF_DRIVES | None = None,
        columns: Columns = list(_DRIVE_COLUMNS),  # noqa: B006 - never changed
        order_by: Order = "-started_at",
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Document:
        """List drives with engagement, distance and interventions, the newest first."""
        return self._questions.read_view(
            "drives", _given(where), columns=columns, order_by=order_by, limit=limit, cursor=cursor
        )

    def list_events(
        self,
        where: _OF_EVENTS | None = None,
        columns: Columns = list(_EVENT_COLUMNS),  # noqa: B006 - never changed
        order_by: Order = None,
        limit: Limit = 20,
        cursor: Cursor = None,
    ) -> Document:
        """List disengagements and overrides with cause and severity; beyond 1 is critical."""
        return self._questions.read_view(
            "events", _given(where), columns=columns, order_by=order_by, limit=limit, cursor=cursor
        )

    def read_view(
        self,
        view: Text,
        *,
        where: _OF_ANY | None = None,
        columns: Columns = [],  # noqa: B006 - never changed
        order_by: Order = None,
        limit: Limit = 50,
        cursor: Cursor = None,
    ) -> Document:
        """Read rows of any view, as alerts, places or mtbf; rates and groups have own tools."""
        return self._questions.read_view(
            view, _given(where), columns=columns, order_by=order_by, limit=limit, cursor=cursor
        )

    def rates(
        self,
        by: By,
        event: Annotated[
            Text | None, Field(description="As intervention; all if it is left out.")
        ] = None,
        mode: Annotated[
            Literal["engaged", "lateral_only", "assisted"] | None,
            Field(description="In which events and exposure count; engaged, for by=mode assisted."),
        ] = None,
        where: _OF_DRIVES | None = None,
        cursor: Cursor = None,
    ) -> Document:
        """Give rates of events in groups of drives, with count, exposure and 95 % interval.

        They come in the order of the groups' names. Intervals that overlap tell nothing of an
        order; `rank` and `compare` do.
        """
        return self._questions.rates(by, _given(where), event=event, mode=mode, cursor=cursor)

    def compare(
        self,
        by: ComparedBy,
        a: Text,
        b: Text,
        where: _OF_DRIVES | None = None,
        per: Annotated[Literal["100km", "hour"], Field(description="Of rates.")] = "100km",
    ) -> Document:
        """Compare two groups of drives: is b better than a, worse, or can't it be told yet?

        The verdict comes first. A measure's `answer` is better, worse, open, too_few,
        speeds_differ or nothing; of all but the first two, nothing can be said.
        """
        return self._questions.compare(by, a, b, _given(where), per=per)

    def rank(
        self,
        by: By,
        measure: Annotated[
            Text, Field(description="As interventions_per_100km; `compare` has them all.")
        ] = "interventions_per_100km",
        groups: Annotated[
            Names, Field(description=f"Of these, {MAX_GROUPS} at most; the largest by default.")
        ] = [],  # noqa: B006 - never changed
        where: _OF_DRIVES | None = None,
    ) -> Document:
        """Put groups in the order of a measure, if the drives tell every two of them apart.

        If they don't, `order` is null, and `pairs` has what is told.
        """
        return self._questions.rank(by, measure, groups, _given(where))

    def find(
        self,
        expression: Annotated[
            str,
            Field(
                min_length=1,
                max_length=MAX_EXPRESSION,
                description="Over the columns of the view samples, ten times a second, as `engaged "
                "and lead_ttc_s < 2 for 1s, then brake_pressed within 3s, not planned`; or the "
                "name of a shipped one, as `hard_braking`.",
            ),
        ],
        where: _OF_DRIVES | None = None,
        by: Annotated[
            Text | None, Field(description="Groups of whole drives, as branch; all; or none.")
        ] = None,
        limit: Limit = 20,
    ) -> Document:
        """Find the moments that an expression describes: where, and how many in how many hours.

        With `by`, their rates in groups of drives, with count, exposure and 95 % interval.
        """
        return self._questions.find(expression, _given(where), by=by, limit=limit)

    def sql(self, query: Annotated[str, Field(min_length=1, max_length=20_000)]) -> Document:
        """Run one SQL query of DuckDB that only reads, on the views; for what no other tool has."""
        return self._questions.sql(query)


_TOOLS = (
    "list_views", "describe_view", "look_up", "list_drives", "list_events", "read_view", "rates",
    "compare", "rank", "find",
)  # fmt: skip


def make_server(publication: Publication, *, has_sql: bool) -> MCPServer:
    """The server of a database.

    Args:
        publication: The database.
        has_sql: Whether clients may send queries of their own; only who started the server should.
    """
    asked = Asked(Questions(publication))
    names = (*_TOOLS, "sql") if has_sql else _TOOLS
    return MCPServer(
        "engagement",
        version=version("engagement"),
        instructions=_INSTRUCTIONS,
        tools=[_tool(getattr(asked, name)) for name in names],
        resources=[_page(name, about) for name, about in _PAGES.items()],
        log_level="WARNING",
    )


def _tool(ask: Callable[..., Document]) -> Tool:
    """A tool that takes no arguments but its own, and tells our errors in their own words."""

    @wraps(ask)
    def answer(*args: Any, **given: Any) -> Document:
        try:
            return ask(*args, **given)
        except EngagementError as error:
            raise ToolError(detail_of(error)) from error

    tool = Tool.from_function(answer, annotations=_READ_ONLY)
    arguments = tool.fn_metadata.arg_model
    arguments.model_config["extra"] = "forbid"
    arguments.model_rebuild(force=True)
    return tool.model_copy(update={"parameters": arguments.model_json_schema(by_alias=True)})


def _page(name: str, about: str) -> FunctionResource:
    path = resource_dir("docs") / f"{name}.md"
    return FunctionResource(
        uri=f"engagement://docs/{name}",
        name=name,
        description=about,
        mime_type="text/markdown",
        fn=partial(path.read_text, encoding="utf-8"),
    )
