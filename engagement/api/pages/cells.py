"""Cells of the ground in addresses: which one is meant, and the filter of what lies in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from engagement.api.problems import ParameterError
from engagement.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engagement.store.serving import Generation

    Row = dict[str, Any]

_NAME = re.compile(r"([0-9]{1,9})-([0-9]{1,9})", re.ASCII)
_CELL = "from {places} where cell_row = ? and cell_column = ?"

# Of rows with a place, and of drives.
HAS_PLACE = (
    "latitude >= $cell_south and latitude < $cell_north "
    "and longitude >= $cell_west and longitude < $cell_east"
)
PASSES = (
    "drive_id in (select drive_id from result.passed_cells "
    "where cell_row || '-' || cell_column = $cell)"
)


def cell_name(row: Mapping[str, Any]) -> str:
    """What a cell is called in addresses."""
    return f"{row['cell_row']:.0f}-{row['cell_column']:.0f}"


def read_cell(generation: Generation, name: str) -> Row:
    """A cell's row of `places`.

    Raises:
        ParameterError: If the name is none of a cell.
        NotFoundError: If no drive passed there.
    """
    found = _NAME.fullmatch(name)
    if found is None:
        raise ParameterError("cell", f"{name!r} names no cell; the map has links to them")
    query = _CELL.format(places=generation.in_memory("places"))
    rows = generation.rows(query, [int(number) for number in found.groups()])
    if not rows:
        raise NotFoundError("cell", name)
    return rows[0]


def bounds(cell: Mapping[str, Any]) -> dict[str, float]:
    """Where a cell ends, in degrees: rows are numbered from the south pole, columns from -180.

    So the middle's latitude and number tell how high a row is, and its longitude how wide.
    """
    height = (cell["latitude"] + 90) / (cell["cell_row"] + 0.5)
    width = (cell["longitude"] + 180) / (cell["cell_column"] + 0.5)
    return {
        "cell_south": cell["latitude"] - height / 2,
        "cell_north": cell["latitude"] + height / 2,
        "cell_west": cell["longitude"] - width / 2,
        "cell_east": cell["longitude"] + width / 2,
    }
