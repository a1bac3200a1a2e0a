"""Where drivers intervene: cells of about 100 m, as a map of each area and a list."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from litestar import Response, get
from litestar.di import NamedDependency

from engagement.api.pages.cells import cell_name
from engagement.api.pages.charts import Ground, ground
from engagement.api.pages.rendering import AnyRequest, page
from engagement.api.pages.trips import read_ways
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = dict[str, Any]
    _Way = Sequence[tuple[float, float]]

_AREA_DEGREES = 0.25  # cells whose squares of this size touch are one area
_MAX_AREAS = 6
_MAX_CELLS = 4000  # of one map
_MAX_LISTED = 100
_METRES_PER_DEGREE = 111_320.0
_SHADES = 4
_LEAST_SIZE = 5.0  # of a cell on a map, so that it can be seen
_LEAST_WITH_EVENTS = 9.0  # of one that can be clicked
_MAX_WAYS = 60  # the newest drives, whose ways lie below the cells
_POINTS = 200  # of a way

_CELLS = """
select
    cell_row,
    cell_column,
    latitude,
    longitude,
    n_engaged_drives,
    n_interventions,
    n_drives_with_intervention,
    intervention_fraction,
    is_hot_spot
from {places}
order by n_drives_with_intervention desc, n_engaged_drives desc, cell_row, cell_column
"""
_LIST = """
from {places}
where n_interventions > 0
order by is_hot_spot desc, intervention_fraction_lower desc nulls last, n_interventions desc,
    cell_row, cell_column
limit {limit}
"""
_MOMENTS = """
from moment_places
order by n_moments desc, event, cell_row, cell_column
limit {limit}
"""
_NEWEST = """
select drive_id
from {drives}
where not is_imported
order by started_at desc nulls last, drive_id desc
limit {limit}
"""
_TOTALS = """
select
    count(*) as n_places,
    count(*) filter (where is_hot_spot) as n_hot_spots,
    count(*) filter (where n_interventions > 0) as n_with_intervention,
    sum(n_interventions)::bigint as n_interventions,
    sum(n_unplanned_interventions)::bigint as n_unplanned_interventions
from {places}
"""
_PARAMETERS = """
select name, value
from store.parameter
where name in ('place_cell_m', 'place_min_drives', 'hot_spot_false_discovery')
"""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell on a map: its corner, size and shade, from 1 up to 4 for nearly every drive."""

    x: float
    y: float
    size: float
    shade: int
    is_hot_spot: bool
    title: str
    name: str


@dataclass(frozen=True, slots=True)
class Area:
    """A map of cells that are near each other; `quiet` are those without an intervention.

    `ways` is where the newest drives went, as a path of SVG.
    """

    frame: Ground
    ways: str
    cells: Sequence[Cell]
    quiet: str
    latitude: float
    longitude: float
    n_cells: int
    n_interventions: int


@get("/places", sync_to_thread=True)
def get_places(request: AnyRequest, generation: NamedDependency[Generation]) -> Response[bytes]:
    """Show places."""
    return page(request, generation, "places.html", lambda: _read(generation))


def _read(generation: Generation) -> Mapping[str, Any]:
    places = generation.in_memory("places")
    parameters = {row["name"]: row["value"] for row in generation.rows(_PARAMETERS)}
    rows = generation.rows(_LIST.format(places=places, limit=_MAX_LISTED))
    newest = generation.rows(_NEWEST.format(drives=generation.in_memory("drives"), limit=_MAX_WAYS))
    ways = list(read_ways(generation, [row["drive_id"] for row in newest], _POINTS).values())
    found = _areas(generation.rows(_CELLS.format(places=places)))
    return {
        "totals": generation.rows(_TOTALS.format(places=places))[0],
        "rows": rows,
        "moments": generation.rows(_MOMENTS.format(limit=_MAX_LISTED))
        if "moment_places" in generation.views()
        else [],
        "cell_name": cell_name,
        "parameters": parameters,
        "areas": [_map(cells, parameters["place_cell_m"], ways) for cells in found[:_MAX_AREAS]],
        "n_areas": len(found),
    }


def _areas(rows: Sequence[Row]) -> list[list[Row]]:
    """Cells that are near each other, the area with most interventions first."""
    squares: dict[tuple[int, int], list[Row]] = {}
    for row in rows:
        square = (row["latitude"] // _AREA_DEGREES, row["longitude"] // _AREA_DEGREES)
        squares.setdefault((int(square[0]), int(square[1])), []).append(row)
    found = []
    left = set(squares)
    while left:
        area, edge = [], [left.pop()]
        while edge:
            at = edge.pop()
            area += squares[at]
            near = {(at[0] + down, at[1] + right) for down in (-1, 0, 1) for right in (-1, 0, 1)}
            edge += near & left
            left -= near
        found.append(area)
    return sorted(
        found, key=lambda area: (-sum(row["n_interventions"] for row in area), area[0]["cell_row"])
    )


def _map(rows: Sequence[Row], cell_m: float, ways: Sequence[_Way]) -> Area:
    shown = rows[:_MAX_CELLS]
    frame = ground([(row["latitude"], row["longitude"]) for row in shown])
    size = round(max(frame.size(cell_m / _METRES_PER_DEGREE), _LEAST_SIZE), 1)
    return Area(
        frame,
        "".join(_path(way, frame) for way in ways),
        [
            _cell(row, frame, max(size, _LEAST_WITH_EVENTS))
            for row in reversed(shown)
            if row["n_interventions"]
        ],
        "".join(_square(row, frame, size) for row in shown if not row["n_interventions"]),
        sum(row["latitude"] for row in shown) / len(shown),
        sum(row["longitude"] for row in shown) / len(shown),
        len(rows),
        sum(row["n_interventions"] for row in rows),
    )


def _path(way: _Way, frame: Ground) -> str:
    """The part of a way that is on a map, as a part of an SVG path."""
    found, is_on = [], False
    for place in way:
        x, y = frame(*place)
        was_on, is_on = is_on, 0 <= x <= frame.width and 0 <= y <= frame.height
        if is_on:
            found.append(f"{'L' if was_on else 'M'}{x:g} {y:g}")
    return "".join(found)


def _square(row: Row, frame: Ground, size: float) -> str:
    """A cell as a part of an SVG path."""
    x, y = frame(row["latitude"], row["longitude"])
    return f"M{x - size / 2:g} {y - size / 2:g}h{size:g}v{size:g}h-{size:g}z"


def _cell(row: Row, frame: Ground, size: float) -> Cell:
    x, y = frame(row["latitude"], row["longitude"])
    fraction = row["intervention_fraction"] or 0.0
    return Cell(
        round(x - size / 2, 1),
        round(y - size / 2, 1),
        size,
        min(int(fraction * _SHADES) + 1, _SHADES),
        row["is_hot_spot"],
        f"{row['n_interventions']} interventions in {row['n_drives_with_intervention']} of "
        f"{row['n_engaged_drives']} engaged drives",
        cell_name(row),
    )
