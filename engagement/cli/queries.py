"""Queries that a user types, on the newest generation."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from engagement.cli import formats, render
from engagement.cli.render import Column
from engagement.errors import InputError, StoreError

if TYPE_CHECKING:
    import pyarrow as pa

    from engagement.store.reader import Reader

SHOWN_ROWS = 200
_NOTHING = re.compile(r"(?:--[^\n]*|/\*.*?\*/|[\s;])*", re.DOTALL)


def run_query(reader: Reader, query: str, limit: int | None = None) -> pa.Table:
    """The rows of a query, the first `limit` of them if it is one SELECT.

    Raises:
        InputError: If there is nothing in it but comments.
        StoreError: If DuckDB refuses it; the message shows where in the text.
    """
    if _NOTHING.fullmatch(query):
        raise InputError("the query is empty")
    if limit is not None:
        quoted = query.replace("'", "''")
        with suppress(StoreError):
            return reader.table(f"from query('{quoted}') limit {limit}")
    return reader.table(query)


def print_query(reader: Reader, query: str) -> None:
    """Print the first rows of a query as a table, and say if there are more."""
    table = run_query(reader, query, SHOWN_ROWS + 1)
    rows = table.slice(0, SHOWN_ROWS).to_pylist()
    columns = [
        Column(name, name, _show, is_number=_is_number(table.schema.field(position).type))
        for position, name in enumerate(table.column_names)
    ]
    render.print_rows(columns, rows)
    if table.num_rows > SHOWN_ROWS:
        render.note(f"the first {SHOWN_ROWS} rows; --csv and --json print all")


def _is_number(kind: pa.DataType) -> bool:
    return str(kind).startswith(("int", "uint", "float", "double", "decimal"))


def _show(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "NULL" if value is None else str(value).lower()
    return "\n".join(formats.text(line) for line in str(value).split("\n"))
