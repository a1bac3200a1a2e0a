"""The list of drives: filtered, sorted and paged by its address."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from engagement.api.pages.calendar import read_calendar
from engagement.api.pages.cells import PASSES, cell_name, read_cell
from engagement.api.pages.page_formats import day_words
from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.pages.selection import FIELDS, page_number, read_form, read_presets
from engagement.api.pages.trips import read_trips
from engagement.api.problems import ParameterError
from engagement.errors import suggestion
from engagement.filters import Filter, Selection
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    Row = dict[str, Any]

PAGE_ROWS = 40

# Text is sorted from A, everything else from the greatest.
SORTS = {
    "started": "started_at desc nulls last, drive desc",
    "car": "car_fingerprint asc nulls last, started_at desc nulls last",
    "version": "version asc nulls last, started_at desc nulls last",
    "time": "known_s desc nulls last",
    "distance": "distance_km desc nulls last",
    "engaged": "engaged_fraction desc nulls last",
    "interventions": "n_interventions desc nulls last",
    "rate": "interventions_per_100km desc nulls last",
}

_SORT_WORDS = {
    "started": "date",
    "car": "car",
    "version": "version",
    "time": "time",
    "distance": "distance",
    "engaged": "share engaged",
    "interventions": "interventions",
    "rate": "interventions per distance",
}
_COUNT = "select count(*) as n_drives from {drives} where {where}"
_ROWS = """
from {drives}
where {where}
order by {order}, drive_id
limit {limit} offset {offset}
"""


_FIELDS = {**FIELDS, "cell": Filter("cell", "", "A cell of the map.")}


@dataclass(frozen=True, slots=True)
class _Passing:
    """Drives of a selection that passed a cell of the map, by its name."""

    drives: Selection
    cell: str

    @property
    def values(self) -> dict[str, Any]:
        """All values by their filters' names."""
        return {**self.drives.values, "cell": self.cell}

    def __getitem__(self, name: str) -> Any:
        """The value of a filter, None where it is not given."""
        return self.values.get(name)

    @property
    def where(self) -> str:
        """The condition on rows of `drives`."""
        return f"{self.drives.where} and {PASSES}"


@get("/drives", sync_to_thread=True)
def get_drives(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    selection: NamedDependency[Selection],
    *,
    cell: FromQuery[str] = "",
    sort: FromQuery[str] = "started",
    number: FromQuery[str] = "1",
) -> Response[bytes]:
    """List drives, a page at a time."""
    form = read_form(generation, selection)
    passed = read_cell(generation, cell) if cell else None
    wanted_drives = _Passing(selection, cell_name(passed)) if passed else selection
    if sort not in SORTS:
        raise ParameterError("sort", f"can't sort by {sort!r}{suggestion(sort, SORTS)}")
    wanted = page_number(number)

    def make() -> Mapping[str, Any]:
        return {
            **form,
            **_read(generation, wanted_drives, sort, wanted),
            "selection": wanted_drives,
            "fields": _FIELDS,
            "cell": passed,
            "calendar": read_calendar(generation, selection),
        }

    return page(request, generation, "drives.html", make)


def _read(
    generation: Generation, selection: Selection | _Passing, sort: str, number: int
) -> dict[str, Any]:
    drives, where, values = generation.in_memory("drives"), selection.where, selection.values
    n_drives = generation.rows(_COUNT.format(drives=drives, where=where), values)[0]["n_drives"]
    offset = (number - 1) * PAGE_ROWS
    query = _ROWS.format(
        drives=drives, where=where, order=SORTS[sort], limit=PAGE_ROWS, offset=offset
    )
    rows = generation.rows(query, values)
    return {
        "rows": rows,
        "days": list(_by_day(rows)) if sort == "started" else [(None, rows)],
        "trips": read_trips(generation, [row["drive_id"] for row in rows]),
        "presets": read_presets(generation),
        "sorts": _SORT_WORDS,
        "n_drives": n_drives,
        "number": number,
        "n_pages": max(-(-n_drives // PAGE_ROWS), 1),
        "first": offset + 1,
        "sort": sort,
    }


def _by_day(rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
    """Drives of one day together, in their order."""
    for day, of_day in groupby(rows, lambda row: row["started_at"] and row["started_at"].date()):
        yield day_words(day), list(of_day)
