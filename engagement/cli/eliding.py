"""The rows of a query on a terminal, as DuckDB's shell shows them: the middle is left out.

Rows in the middle give way to a line of dots, columns in the middle to a column of dots, and a line
below says of how many. What is shown is whole.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from engagement.cli import layout, render
from engagement.cli.table_parts import Column, Line
from engagement.cli.wrapping import width
from engagement.formats import count

if TYPE_CHECKING:
    from collections.abc import Sequence

_DOTS = "\N{MIDDLE DOT}"
_GAP = Column("\N{HORIZONTAL ELLIPSIS}", "", is_whole=True)  # no column of a query has no name


def print_ends(columns: Sequence[Column], rows: Sequence[dict[str, Any]], n_rows: int) -> None:
    """Print rows, which are the first and the last of so many."""
    lines = [Line(row | {"": "\N{HORIZONTAL ELLIPSIS}"}) for row in rows]
    shown = _fitting(columns, lines)
    if n_rows > len(rows):
        middle = -(-len(rows) // 2)
        dots = {column.name: _Dots() for column in columns} | {"": _DOTS}
        lines[middle:middle] = [Line(dots, "dim", is_extra=True)] * 3
    render.print_table(shown, [lines])
    said = [
        f"{count(n_all, noun)}{f' ({n_shown} shown)' if n_shown < n_all else ''}"
        for n_all, n_shown, noun in (
            (n_rows, len(rows), "row"),
            (len(columns), len([column for column in shown if column.name]), "column"),
        )
    ]
    if n_rows > len(rows) or len(shown) != len(columns):
        render.footer(f"{', '.join(said)}; --csv and --json have all")


class _Dots:
    """A value of a row that is left out."""

    def __str__(self) -> str:
        return _DOTS


def _fitting(columns: Sequence[Column], lines: Sequence[Line]) -> list[Column]:
    """All columns, else as many of the first and the last as fit, with a gap between them."""
    n_columns = width(sys.stdout)
    if layout.is_narrow(columns, [lines], n_columns):
        return list(columns)
    for n_left in range(len(columns) - 1, 0, -1):
        shown = [*columns[: -(-n_left // 2)], _GAP, *columns[len(columns) - n_left // 2 :]]
        if layout.is_narrow(shown, [lines], n_columns):
            return shown
    return list(columns)  # records, or text that is wrapped
