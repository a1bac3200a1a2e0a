"""Cells of CSV files that people open: text that a spreadsheet would run is not run.

Spreadsheets take a cell that begins with `=`, `+`, `-`, `@`, a tab or a line end for a formula,
some also after what can't be seen, and logs hold texts that anybody may have written. An apostrophe
before it makes it text; spreadsheets do not show it. Where cells are parted by semicolons, as in
Germany, a text with one in it is two cells, so there is an apostrophe after that, too. Numbers stay
as they are.
"""

from __future__ import annotations

import re

# Blanks, controls and marks that can't be seen, but for those that may part cells.
_UNSEEN = (
    r"\x00-\x08\x0b\x0c\x0e-\x20\x7f-\xa0\xad"
    "\u034f\u061c\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufe00-\ufe0f\ufeff"
)
# Full-width and small signs too: spreadsheets in East Asia take them for the others.
_SIGNS = r"=+\-@" + "\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212"
_FORMULA = f"'*[{_UNSEEN}]*[{_SIGNS}]"
RUN = rf"'*(?:[{_UNSEEN}\t\r\n]*[{_SIGNS}]|[\t\r\n])"
RUN_AFTER = rf"([;\t\r\n])({_FORMULA})"
MADE_INERT = r"\1'\2"
NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"
EXACT_KEY = "engagement.csv_exact"  # of a command's context: cells are wanted as they are

_RUN_PATTERN = re.compile(RUN)
_RUN_AFTER_PATTERN = re.compile(RUN_AFTER)
_INERT_AFTER_PATTERN = re.compile(rf"([;\t\r\n])'({_FORMULA})")
_NUMBER_PATTERN = re.compile(NUMBER)


def inert(text: str) -> str:
    """The text as a cell that no spreadsheet runs."""
    if _NUMBER_PATTERN.fullmatch(text):
        return text
    cell = _RUN_AFTER_PATTERN.sub(MADE_INERT, text)
    return f"'{cell}" if _RUN_PATTERN.match(cell) else cell


def as_written(cell: str) -> str:
    """The text that `inert` made a cell of."""
    text = cell[1:] if cell.startswith("'") and _RUN_PATTERN.match(cell) else cell
    return _INERT_AFTER_PATTERN.sub(r"\1\2", text)
