"""Queries that a user types, on the newest generation."""

from __future__ import annotations

import re
from contextlib import suppress
from decimal import Decimal
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from engagement import formats
from engagement.cli import render
from engagement.cli.render import Column
from engagement.errors import InputError, QueryError, suggestion

if TYPE_CHECKING:
    from engagement.store.reader import Reader

SHOWN_ROWS = 200
_NOTHING = re.compile(r"(?:--[^\n]*|/\*.*?\*/|[\s;])*", re.DOTALL)
_NO_TABLE = re.compile(r"(Table with name (\S+) does not exist!)(?:\nDid you mean .*)?")


def run_query(reader: Reader, query: str, limit: int | None = None) -> pa.Table:
    """The rows of a query, the first `limit` of them if it is one SELECT.

    Raises:
        InputError: If there is nothing in it but comments, or several statements.
        QueryError: If DuckDB refuses it; the message shows where in the text.
        StoreError: If the database can't be read.
    """
    if _NOTHING.fullmatch(query):
        raise InputError("the query is empty")
    if limit is not None:
        quoted = query.replace("'", "''")
        with suppress(QueryError):
            return _named_apart(reader.table(f"from query('{quoted}') limit {limit}"))
    try:
        table = reader.table(query)
    except QueryError as error:
        raise QueryError(_with_views(str(error), reader)) from error
    n_statements = len(reader.connection.extract_statements(query))
    if n_statements > 1:
        raise InputError(f"one statement at a time: these are {n_statements}")
    return _named_apart(table)


def _named_apart(table: pa.Table) -> pa.Table:
    """The table; a column's name that was there before gets a number."""
    names: list[str] = []
    for name in table.column_names:
        numbered = (f"{name}_{number}" for number in count(1))
        names.append(next(n for n in chain([name], numbered) if n not in names))
    return table.rename_columns(names)


def _with_views(message: str, reader: Reader) -> str:
    """DuckDB's message; its suggestions are of all tables, those of the system included."""

    def say(found: re.Match[str]) -> str:
        return found[1] + suggestion(found[2], reader.views())

    return _NO_TABLE.sub(say, message, count=1)


def rows_of(table: pa.Table) -> list[dict[str, Any]]:
    """Rows as dicts; intervals are text, as ISO 8601 has them."""
    rows: list[dict[str, Any]] = table.to_pylist()
    if "interval" not in str(table.schema):
        return rows
    return [{name: _plain(value) for name, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    """A value with its intervals as text, at any depth."""
    if isinstance(value, pa.MonthDayNano):
        return _interval(value)
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value


def _interval(value: pa.MonthDayNano) -> str:
    """As P1M2DT3.5S; each part has its own sign."""
    months, days, nanoseconds = value
    date = (f"{months}M" if months else "") + (f"{days}D" if days else "")
    seconds = f"{Decimal(nanoseconds) / 10**9:f}"
    time = f"T{seconds}S" if nanoseconds or not date else ""
    return f"P{date}{time}"


def print_query(reader: Reader, query: str) -> None:
    """Print the first rows of a query as a table, and say if there are more."""
    table = run_query(reader, query, SHOWN_ROWS + 1)
    rows = rows_of(table.slice(0, SHOWN_ROWS))
    columns = [
        Column(name, name, _show, is_number=_is_number(field.type))
        for name, field in zip(table.column_names, table.schema, strict=True)
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
