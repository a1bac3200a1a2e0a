"""Places, and the stretches between interventions, computed the slow and obvious way.

What the definitions leave open, and what is done here:

- Rows and columns of cells are as many whole ones as come nearest to the wanted size.
- A fix at 0 N 0 E, or at no place of the earth, is none: the fix before it tells the place.
- A drive that intervened in a cell was engaged there, whatever its fixes say.
- A drive of a single moment has no stretch.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from scipy import stats

from tests.oracles.metric_drive import DEFAULTS, Drive
from tests.oracles.metric_model import Metrics

if TYPE_CHECKING:
    from tests.oracles.metric_drive import Row, Tables

Cell = tuple[int, int]

METRES_PER_DEGREE = 111_320
FALSE_DISCOVERY = 0.05


@dataclass(frozen=True)
class Grid:
    """The cells of the ground, by the length of their sides."""

    cell_m: float = 100.0

    @property
    def n_rows(self) -> int:
        return max(round(180 * METRES_PER_DEGREE / self.cell_m), 1)

    def centre_latitude(self, row: int) -> float:
        return (row + 0.5) / self.n_rows * 180 - 90

    def n_columns(self, row: int) -> int:
        circle = 2 * self.n_rows * math.cos(math.radians(self.centre_latitude(row)))
        return max(round(circle), 1)

    def cell(self, latitude: float, longitude: float) -> Cell:
        """The cell that a point lies in; the poles lie in the outermost rows."""
        row = min(int((latitude + 90) / 180 * self.n_rows), self.n_rows - 1)
        n_columns = self.n_columns(row)
        return row, int((longitude + 180) / 360 * n_columns) % n_columns

    def centre(self, cell: Cell) -> tuple[float, float]:
        row, column = cell
        return self.centre_latitude(row), (column + 0.5) / self.n_columns(row) * 360 - 180


@dataclass
class Visit:
    """What a drive did in a cell."""

    is_engaged: bool = False
    n_interventions: int = 0


def is_possible(row: Row) -> bool:
    """Whether a row of gps tells where the car was."""
    latitude, longitude = row["latitude"], row["longitude"]
    if latitude is None or longitude is None:
        return False
    is_on_earth = abs(latitude) <= 90 and abs(longitude) <= 180
    return is_on_earth and not (abs(latitude) < 0.01 and abs(longitude) < 0.01)


def drives(tables: Tables) -> list[Metrics]:
    """The drives of some base tables, one by one."""
    by_drive: dict[int, Tables] = {row["drive_id"]: {} for row in tables["drive"]}
    for table, rows in tables.items():
        for row in rows:
            by_drive[row["drive_id"]].setdefault(table, []).append(row)
    return [Metrics(Drive(by_drive[drive_id], DEFAULTS)) for drive_id in sorted(by_drive)]


def interventions_ns(drive: Metrics) -> list[int]:
    """When (ns) the driver took over while engaged."""
    return [moment.start_ns for moment in drive.interventions if moment.mode == "engaged"]


def visits(drive: Metrics, grid: Grid) -> dict[Cell, Visit]:
    """The cells that a drive passed."""
    fixes = {row["mono_ns"]: row for row in drive.drive.positions if is_possible(row)}
    found: defaultdict[Cell, Visit] = defaultdict(Visit)
    for mono_ns, fix in fixes.items():
        visit = found[grid.cell(fix["latitude"], fix["longitude"])]
        visit.is_engaged |= drive.mode(mono_ns) == "engaged"
    for moment_ns in interventions_ns(drive):
        before = [mono_ns for mono_ns in fixes if mono_ns <= moment_ns]
        max_age_ns = drive.parameters.ns("position_max_age_s")
        if before and moment_ns - max(before) <= max_age_ns:
            fix = fixes[max(before)]
            visit = found[grid.cell(fix["latitude"], fix["longitude"])]
            visit.is_engaged = True
            visit.n_interventions += 1
    return dict(found)


def places(tables: Tables, *, cell_m: float = 100.0, min_drives: int = 3) -> dict[Cell, Row]:
    """The rows of `places`, by their cells."""
    grid = Grid(cell_m)
    return places_of([visits(drive, grid) for drive in drives(tables)], grid, min_drives)


def places_of(
    visits_by_drive: list[dict[Cell, Visit]], grid: Grid, min_drives: int
) -> dict[Cell, Row]:
    """The rows of `places` of drives that did this in these cells."""
    by_cell: defaultdict[Cell, list[Visit]] = defaultdict(list)
    for found in visits_by_drive:
        for cell, visit in found.items():
            by_cell[cell].append(visit)
    places = {cell: _place(grid, cell, found) for cell, found in by_cell.items()}
    expected: defaultdict[Cell, float] = defaultdict(float)
    for found in visits_by_drive:
        for cell, visit in found.items():
            expected[cell] += (fraction(list(found.values())) or 0) * visit.is_engaged
    tested = [cell for cell, place in places.items() if place["n_engaged_drives"] >= min_drives]
    chances = [chance(places[cell], expected[cell]) for cell in tested]
    q_values = dict(
        zip(tested, stats.false_discovery_control(chances) if tested else [], strict=True)
    )
    for cell, place in places.items():
        q_value = q_values.get(cell)
        place["n_expected_drives"] = expected[cell]
        place["q_value"] = q_value if q_value is None else float(q_value)
        place["is_hot_spot"] = q_value is not None and bool(q_value <= FALSE_DISCOVERY)
    return places


def chance(place: Row, expected: float) -> float:
    """Of as many drives with an intervention or more, if each had the same chance."""
    n_with, n_engaged = place["n_drives_with_intervention"], place["n_engaged_drives"]
    if n_with < expected + 1:
        return 1.0
    return float(stats.binom.sf(n_with - 1, n_engaged, expected / n_engaged))


def fraction(found: list[Visit]) -> float | None:
    """Of the visits that were engaged, the share with an intervention."""
    n_engaged = sum(visit.is_engaged for visit in found)
    return sum(visit.n_interventions > 0 for visit in found) / n_engaged if n_engaged else None


def _place(grid: Grid, cell: Cell, found: list[Visit]) -> Row:
    latitude, longitude = grid.centre(cell)
    n_engaged = sum(visit.is_engaged for visit in found)
    n_with = sum(visit.n_interventions > 0 for visit in found)
    lower, upper = wilson(n_with, n_engaged) if n_engaged else (None, None)
    return {
        "cell_row": cell[0],
        "cell_column": cell[1],
        "latitude": latitude,
        "longitude": longitude,
        "n_drives": len(found),
        "n_engaged_drives": n_engaged,
        "n_interventions": sum(visit.n_interventions for visit in found),
        "n_drives_with_intervention": n_with,
        "intervention_fraction": fraction(found),
        "intervention_fraction_lower": lower,
        "intervention_fraction_upper": upper,
    }


def wilson(count: int, total: int) -> tuple[float, float]:
    """95 % limits of a share: where the score test rejects it, found by bisection."""

    def rejects(share: float) -> bool:
        deviation = abs(count - total * share)
        return deviation > 1.959963984540054 * math.sqrt(total * share * (1 - share))

    def border(inside: float, outside: float) -> float:
        for _ in range(200):
            middle = (inside + outside) / 2
            inside, outside = (inside, middle) if rejects(middle) else (middle, outside)
        return inside

    share = count / total
    return (border(share, 0.0) if count else 0.0), (border(share, 1.0) if count < total else 1.0)


def clean_stretches(tables: Tables) -> list[Row]:
    """The rows of `clean_stretches`, in their order."""
    return [row for drive in drives(tables) for row in _stretches(drive)]


def _stretches(drive: Metrics) -> list[Row]:
    if drive.drive.span is None or drive.drive.span[0] == drive.drive.span[1]:
        return []
    first_ns, last_ns = drive.drive.span
    borders = sorted({first_ns, last_ns, *interventions_ns(drive)})
    return [
        {
            "drive_id": drive.drive.drive_id,
            "stretch_num": number,
            "start_mono_ns": start_ns,
            "end_mono_ns": end_ns,
            "engaged_km": math.fsum(
                step.distance_m / 1000
                for step in drive.steps
                if step.mode == "engaged" and start_ns <= step.start_ns < end_ns
            ),
        }
        for number, (start_ns, end_ns) in enumerate(pairwise(borders), 1)
    ]
