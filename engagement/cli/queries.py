"""Queries that a user types, on the newest generation."""

from __future__ import annotations

import re
import sys
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain, count
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from engagement import formats
from engagement.cli import render
from engagement.cli.eliding import print_ends
from engagement.cli.table_parts import Column
from engagement.cli.wrapping import is_terminal
from engagement.errors import InputError, QueryError, suggestion

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engagement.store.reader import Reader

SHOWN_ROWS = 40  # as DuckDB's shell has it
_NOTHING = re.compile(r"(?:--[^\n]*|/\*.*?\*/|[\s;])*", re.DOTALL)
_NO_TABLE = re.compile(r"(Table with name (\S+) does not exist!)(?:\nDid you mean .*)?")


def run_query(reader: Reader, query: str) -> pa.Table:
    """The rows of a query.

    Raises:
        InputError: If there is nothing in it but comments, or several statements.
        QueryError: If DuckDB refuses it; the message shows where in the text.
        StoreError: If the database can't be read.
    """
    with _one_statement(reader, query):
        return _named_apart(reader.table(query))


def run_query_ends(reader: Reader, query: str, n_rows: int) -> tuple[pa.Table, int]:
    """The first and the last rows of a query, up to so many of each, and how many it has.

    Raises:
        InputError: If there is nothing in it but comments, or several statements.
        QueryError: If DuckDB refuses it; the message shows where in the text.
        StoreError: If the database can't be read.
    """
    with _one_statement(reader, query):
        table, n_found = reader.ends(query, n_rows)
        return _named_apart(table), n_found


@contextmanager
def _one_statement(reader: Reader, query: str) -> Iterator[None]:
    """Run what is in a query, which is to be one statement."""
    if _NOTHING.fullmatch(query):
        raise InputError("the query is empty")
    try:
        yield
    except QueryError as error:
        raise QueryError(_with_views(str(error), reader)) from error
    n_statements = len(reader.connection.extract_statements(query))
    if n_statements > 1:
        raise InputError(f"one statement at a time: these are {n_statements}")


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
    """Print the rows of a query as a table: on a terminal the first and the last, as it fits."""
    if not is_terminal(sys.stdout):
        table = run_query(reader, query)
        render.print_rows(_columns(table), rows_of(table))
        return
    table, n_rows = run_query_ends(reader, query, SHOWN_ROWS // 2)
    print_ends(_columns(table), rows_of(table), n_rows)


def _columns(table: pa.Table) -> list[Column]:
    return [
        Column(name, name, _show, is_number=_is_number(field.type))
        for name, field in zip(table.column_names, table.schema, strict=True)
    ]


def _is_number(kind: pa.DataType) -> bool:
    return str(kind).startswith(("int", "uint", "float", "double", "decimal"))


def _show(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return "NULL" if value is None else str(value).lower()
    return "\n".join(formats.text(line) for line in str(value).split("\n"))
