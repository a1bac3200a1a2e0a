"""Cells of CSV files that people open: text that a spreadsheet would run is not run.

Spreadsheets take a cell that begins with `=`, `+`, `-`, `@`, a tab or a line end for a formula, and
logs hold texts that anybody may have written. An apostrophe before it makes it text; spreadsheets
do not show it. Numbers stay as they are.
"""

from __future__ import annotations

import re

# Full-width signs too: spreadsheets in East Asia take them for the others.
RUN = "'*[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20]"
NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
EXACT_KEY = "engagement.csv_exact"  # of a command's context: cells are wanted as they are

_RUN_PATTERN = re.compile(RUN)
_NUMBER_PATTERN = re.compile(NUMBER)


def inert(text: str) -> str:
    """The text as a cell that no spreadsheet runs."""
    is_run = _RUN_PATTERN.match(text) and not _NUMBER_PATTERN.fullmatch(text)
    return f"'{text}" if is_run else text


def as_written(cell: str) -> str:
    """The text that `inert` made a cell of."""
    return cell[1:] if cell.startswith("'") and _RUN_PATTERN.match(cell) else cell
