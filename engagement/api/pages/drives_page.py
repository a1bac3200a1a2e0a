"""The list of drives: filtered, sorted and paged by its address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.pages.selection import read_form
from engagement.api.pages.timelines import read_modes, strips
from engagement.api.problems import ParameterError
from engagement.errors import suggestion
from engagement.filters import Selection
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping

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

_COUNT = "select count(*) as n_drives from {drives} where {where}"
_ROWS = """
from {drives}
where {where}
order by {order}, drive_id
limit {limit} offset {offset}
"""


@get("/drives", sync_to_thread=True)
def get_drives(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    selection: NamedDependency[Selection],
    *,
    sort: FromQuery[str] = "started",
    number: FromQuery[str] = "1",
) -> Response[bytes]:
    """List drives, a page at a time."""
    form = read_form(generation, selection)
    if sort not in SORTS:
        raise ParameterError("sort", f"can't sort by {sort!r}{suggestion(sort, SORTS)}")
    if not re.fullmatch("[1-9][0-9]{0,8}", number):
        raise ParameterError("number", f"{number!r} is no number of a page")

    def make() -> Mapping[str, Any]:
        return form | _read(generation, selection, sort, int(number))

    return page(request, generation, "drives.html", make)


def _read(generation: Generation, selection: Selection, sort: str, number: int) -> dict[str, Any]:
    drives, where, values = generation.in_memory("drives"), selection.where, selection.values
    n_drives = generation.rows(_COUNT.format(drives=drives, where=where), values)[0]["n_drives"]
    offset = (number - 1) * PAGE_ROWS
    query = _ROWS.format(
        drives=drives, where=where, order=SORTS[sort], limit=PAGE_ROWS, offset=offset
    )
    rows = generation.rows(query, values)
    modes = read_modes(generation, [row["drive_id"] for row in rows])
    return {
        "rows": rows,
        "n_drives": n_drives,
        "number": number,
        "n_pages": max(-(-n_drives // PAGE_ROWS), 1),
        "first": offset + 1,
        "sort": sort,
        "strips": {drive_id: strips(runs) for drive_id, runs in modes.items()},
    }
