"""Tables as CSV that people open: see `engagement.csv_cells`."""

from __future__ import annotations

from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from engagement.csv_cells import MADE_INERT, NUMBER, RUN, RUN_AFTER

_Texts = TypeVar("_Texts", "pa.ChunkedArray[Any]", "pa.Array[Any]")
_compute: Any = pc  # its stubs take neither texts nor lists for arrays


def csv_schema(schema: pa.Schema) -> pa.Schema:
    """A schema with texts for lists, which CSV can't hold."""
    for number, field in enumerate(schema):
        if _is_list(field):
            schema = schema.set(number, field.with_type(pa.string()))
    return schema


def csv_table(table: pa.Table) -> pa.Table:
    """The table of `csv_schema`; a list is written as DuckDB shows it: [gas, steer]."""
    for number, field in enumerate(table.schema):
        if _is_list(field):
            column = _list_column(table.column(number))
            table = table.set_column(number, field.with_type(pa.string()), column)
    return table


def _is_list(field: pa.Field[Any]) -> bool:
    return pa.types.is_list(field.type) or pa.types.is_large_list(field.type)


def _list_column(column: pa.ChunkedArray[Any]) -> Any:
    items = _compute.binary_join(column.cast(pa.list_(pa.string())), ", ")
    return _compute.binary_join_element_wise("[", items, "]", "")


def inert_table(table: pa.Table) -> pa.Table:
    """The table as CSV has it, with its texts as cells that no spreadsheet runs."""
    table = csv_table(table)
    for number, field in enumerate(table.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            table = table.set_column(number, field, inert_texts(table.column(number)))
    return table


def inert_texts(column: _Texts) -> _Texts:
    """The texts as cells that no spreadsheet runs."""
    cells: _Texts = pc.replace_substring_regex(column, RUN_AFTER, MADE_INERT)
    is_run = pc.match_substring_regex(cells, f"^{RUN}")
    is_number = pc.match_substring_regex(column, f"^(?:{NUMBER})$")
    quoted = pc.binary_join_element_wise(pa.scalar("'", column.type), cells, "")
    found: _Texts = pc.if_else(pc.and_(is_run, pc.invert(is_number)), quoted, cells)
    return found
