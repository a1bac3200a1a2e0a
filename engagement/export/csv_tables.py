"""Tables as CSV that people open: see `engagement.csv_cells`."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from engagement.csv_cells import NUMBER, RUN


def inert_table(table: pa.Table) -> pa.Table:
    """The table with its texts as cells that no spreadsheet runs."""
    for number, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            table = table.set_column(number, field, _inert_column(table.column(number)))
    return table


def _inert_column(column: pa.ChunkedArray[Any]) -> pa.ChunkedArray[Any]:
    is_run = pc.match_substring_regex(column, f"^{RUN}")
    if not pc.any(is_run).as_py():
        return column
    is_number = pc.match_substring_regex(column, f"^(?:{NUMBER})$")
    quoted = pc.binary_join_element_wise(pa.scalar("'", column.type), column, "")
    found: pa.ChunkedArray[Any] = pc.if_else(pc.and_(is_run, pc.invert(is_number)), quoted, column)
    return found
