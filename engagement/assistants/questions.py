"""What an assistant may ask a database, each question answered from the newest generation.

Rows, filters and comparisons are those of the API. Answers are documents of plain values: every one
names the generation and the definitions that it is of, and every rate in it stands with its count,
its interval and its coverage.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from engagement.analysis.comparison import compare
from engagement.analysis.grouping import ALL_DRIVES, comparable_drives, parse_grouping
from engagement.analysis.ranking import MAX_GROUPS, rank_groups
from engagement.analysis.rates import usual_mode
from engagement.analysis.summary import describe, summarize
from engagement.analysis.verdict import shown
from engagement.api.comparison_routes import divide_drives
from engagement.api.glossary_routes import glossary
from engagement.api.moment_routes import answer, read_request
from engagement.api.request_filters import Filters
from engagement.api.rows import Span, Wanted, plan
from engagement.api.view_routes import describe_views
from engagement.errors import InputError, NotFoundError
from engagement.groupings import parse_crossing
from engagement.store.limits import deadline_for_all

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engagement.analysis.verdict import Per
    from engagement.store.serving import Generation, Publication

    Document = dict[str, Any]
    Where = Mapping[str, Any]

MAX_ROWS = 200
_GROUPS_BY_SIZE = """
select group_name, n_drives
from groups
where grouped_by = $by
order by distance_km desc nulls last, group_name
"""
_OF_A_MEASURE = ("name", "label", "unit", "better", "answer", "p_value", "q_value", "sentence")
_OF_A_VALUE = ("n_drives", "n_events", "value", "lower", "upper", "interval")


@dataclass(frozen=True, slots=True)
class Questions:
    """The questions to one database; any number of threads may ask at once."""

    publication: Publication

    @contextmanager
    def _newest(self) -> Iterator[Generation]:
        """The newest generation, whose queries share one limit of time."""
        with (
            deadline_for_all(self.publication.limits.time_limit_s),
            self.publication.newest() as generation,
        ):
            yield generation

    def list_views(self) -> Document:
        """The public views, and what each holds."""
        with self._newest() as generation:
            return _document(generation, views=dict(generation.views()))

    def describe_view(self, view: str) -> Document:
        """The columns of a view, and those that identify a row.

        Raises:
            NotFoundError: If there is no such view.
        """
        with self._newest() as generation:
            columns = generation.columns(view).values()
            return _document(
                generation,
                view=view,
                holds=generation.views()[view],
                key=list(generation.described().keys[view]),
                columns=[{"name": c.name, "type": c.kind, "meaning": c.comment} for c in columns],
            )

    def look_up(self, term: str) -> Document:
        """What columns and thresholds mean whose names have a word in them.

        Raises:
            NotFoundError: If there is none.
        """
        wanted = term.strip().lower().replace(" ", "_")
        with self._newest() as generation:
            columns: dict[str, dict[str, str]] = {}
            for view in describe_views(generation).views:
                for column in view.columns:
                    if wanted in column.name:
                        meanings = columns.setdefault(column.name, {})
                        meanings.setdefault(column.comment, view.name)
            thresholds = [one for one in glossary(generation).thresholds if wanted in one.name]
            if not (columns or thresholds) or not wanted:
                known = {
                    column for view in generation.views() for column in generation.columns(view)
                }
                raise NotFoundError("column or threshold", term, known)
            found = {
                name: [{"meaning": meaning, "view": view} for meaning, view in meanings.items()]
                for name, meanings in list(columns.items())[:MAX_ROWS]
            }
            return _document(generation, columns=found, thresholds=thresholds)

    def read_view(
        self,
        view: str,
        where: Where | None = None,
        *,
        columns: Sequence[str] = (),
        order_by: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> Document:
        """Rows of a view, page by page.

        Raises:
            NotFoundError: If there is no such view, or no such drive.
            InputError: If a filter, a column, the order or the cursor does not do.
        """
        wanted = Wanted(Filters(dict(where or {})), order_by, ",".join(columns) or None)
        with self._newest() as generation:
            page = plan(generation, view, wanted).page(Span(limit, cursor))
            return _plain(page)

    def rates(
        self,
        by: str,
        where: Where | None = None,
        *,
        event: str | None = None,
        mode: str | None = None,
        cursor: str | None = None,
    ) -> Document:
        """Rates in groups of drives, in the order of the groups' names.

        There is no order by rate: which group has the lower one, `rank` tells, if it can be told.
        """
        mode = mode or usual_mode(parse_crossing(by))
        given = dict(where or {}) | {"group_by": by, "mode": mode}
        if event is not None:
            given["event"] = event
        with self._newest() as generation:
            wanted = Wanted(Filters(given), "group_name,event")
            page = plan(generation, "rates", wanted).page(Span(MAX_ROWS, cursor))
            return _plain(page)

    def compare(
        self, by: str, a: str, b: str, where: Where | None = None, *, per: Per = "100km"
    ) -> Document:
        """Two groups in every measure that both have, with the verdict first.

        Raises:
            NotFoundError: If there is no such group.
            InputError: If the grouping does not do.
        """
        with self._newest() as generation:
            division = divide_drives(generation, Filters(dict(where or {})), by, a, b)
            others = comparable_drives(generation, ALL_DRIVES)
            found = compare(generation, division, others=others)
            names = {one.name for one in shown(found, per)}
            measures = [_brief(one) for one in describe(found) if one["name"] in names]
            return _document(
                generation,
                **asdict(summarize(found, per)),
                by=found.by,
                a=asdict(found.a),
                b=asdict(found.b),
                n_others=found.n_others,
                measures=measures,
            )

    def rank(
        self, by: str, measure: str, groups: Sequence[str] = (), where: Where | None = None
    ) -> Document:
        """Groups in the order of a measure, if every two of them can be told apart.

        Without names, the groups with the greatest distance are meant.

        Raises:
            NotFoundError: If there is no such measure or group.
            InputError: If the grouping does not do, or the groups are too few or too many.
        """
        filters = Filters(dict(where or {}))
        grouping = parse_grouping(by)
        with self._newest() as generation:
            filters.check("drives", generation.columns("drives"))
            selected = filters.drives(generation)
            names = groups or _largest_groups(generation, by)
            ranking = rank_groups(
                generation,
                grouping,
                names,
                measure,
                drives=comparable_drives(generation, generation.in_memory("drives"), selected),
                others=comparable_drives(generation, ALL_DRIVES),
            )
            return _document(generation, by=by, **asdict(ranking))

    def find(
        self, expression: str, where: Where | None = None, *, by: str | None = None, limit: int = 20
    ) -> Document:
        """The moments that an expression describes, and their rates if groups are asked for.

        Raises:
            InputError: If it is no expression, or a filter or the grouping does not do.
            QueryTooLargeError: If there are too many.
        """
        with self._newest() as generation:
            wanted = read_request(generation, expression, Filters(dict(where or {})), by)
            return _plain(answer(generation, wanted, limit))

    def sql(self, query: str) -> Document:
        """The rows of one statement that only reads, at most as many as a page has.

        Raises:
            QueryError: If DuckDB refuses it, or it takes too long or too much memory.
        """
        with self._newest() as generation:
            names, rows = generation.first_rows(query, MAX_ROWS + 1)
            is_cut = len(rows) > MAX_ROWS
            return _document(generation, columns=names, rows=rows[:MAX_ROWS], is_cut=is_cut)


def _brief(measure: Document) -> Document:
    """A measure without what only a page needs: values, ratio, answer and sentence."""
    values = {side: {name: measure[side][name] for name in _OF_A_VALUE} for side in ("a", "b")}
    ratio = {name: measure["ratio"][name] for name in ("value", "lower", "upper")}
    return {name: measure[name] for name in _OF_A_MEASURE} | values | {"ratio": ratio}


def _largest_groups(generation: Generation, by: str) -> list[str]:
    """The groups of one dimension that drove farthest, as many as can be ranked.

    Raises:
        InputError: If the groups are of no single dimension, so that they have to be named.
    """
    rows = generation.rows(_GROUPS_BY_SIZE, {"by": by.replace("-", "_")})
    if not rows:
        raise InputError(f"{by}: name the groups that are to be ranked")
    return [row["group_name"] for row in rows[:MAX_GROUPS]]


def _document(generation: Generation, **found: Any) -> Document:
    return _plain({"generation": generation.number, "definitions": generation.definitions} | found)


def _plain(document: Any) -> Document:
    """A document as JSON has it: times are text, and what is no number is null."""
    plain: Document = msgspec.json.decode(msgspec.json.encode(document, enc_hook=str))
    return plain
