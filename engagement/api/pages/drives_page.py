"""The list of drives: filtered, sorted and paged by its address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.pages.selection import Selection, known_devices
from engagement.api.pages.timelines import read_modes, strips
from engagement.api.problems import ParameterError
from engagement.errors import suggestion
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping

PAGE_ROWS = 40

# What can be sorted by; text from A, everything else from the greatest.
SORTS = {
    "started": "started_at_utc desc nulls last, drive desc",
    "car": "car_fingerprint asc nulls last, started_at_utc desc nulls last",
    "version": "version asc nulls last, started_at_utc desc nulls last",
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
_CHOICES = """
select distinct {column} as choice from {drives} where {column} is not null order by choice
"""


@get("/drives", sync_to_thread=True)
def get_drives(
    request: AnyRequest,
    generation: NamedDependency[Generation],
    *,
    device: FromQuery[str] = "",
    since: FromQuery[str] = "",
    until: FromQuery[str] = "",
    car: FromQuery[str] = "",
    branch: FromQuery[str] = "",
    version: FromQuery[str] = "",
    sort: FromQuery[str] = "started",
    number: FromQuery[str] = "1",
) -> Response[bytes]:
    """List drives, a page at a time."""
    selection = Selection(device, since, until, car, branch, version)
    where, values = selection.conditions(generation)
    if sort not in SORTS:
        raise ParameterError("sort", f"can't sort by {sort!r}{suggestion(sort, SORTS)}")
    if not re.fullmatch("[1-9][0-9]{0,8}", number):
        raise ParameterError("number", f"{number!r} is no number of a page")

    def make() -> Mapping[str, Any]:
        return _read(generation, where, values, sort, int(number)) | {"selection": selection}

    return page(request, generation, "drives.html", make)


def _read(
    generation: Generation, where: str, values: Mapping[str, Any], sort: str, number: int
) -> dict[str, Any]:
    drives = generation.in_memory("drives")
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
        "devices": known_devices(generation),
        "choices": {
            name: [
                row["choice"]
                for row in generation.rows(_CHOICES.format(column=column, drives=drives))
            ]
            for name, column in (
                ("car", "car_fingerprint"),
                ("branch", "git_branch"),
                ("version", "version"),
            )
        },
    }
