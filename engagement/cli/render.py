"""Answers on stdout: tables for people, JSON and CSV for programs.

On a terminal a table leaves out its least important columns until it fits, and becomes records,
a field a line, where even that is too wide: no number is ever cut. In a pipe a table is a line of
headings and a line a row, with tabs between the values, and has every column.
"""

from __future__ import annotations

import csv
import os
import sys
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec

from engagement import formats
from engagement.cli.table_parts import Column, Line
from engagement.cli.wrapping import is_terminal, wrapped
from engagement.csv_cells import EXACT_KEY, inert
from engagement.units import METRIC

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engagement.cli.options import Format
    from engagement.units import Units

    Row = Mapping[str, Any]


def print_table(
    columns: Sequence[Column],
    groups: Sequence[Sequence[Line]],
    *,
    title: str = "",
    units: Units = METRIC,
) -> list[Column]:
    """Print a table; return the columns that there was room for."""
    shown = [column.of(units) for column in columns]
    if is_terminal(sys.stdout):
        from engagement.cli.layout import print_on_terminal  # noqa: PLC0415 - rich is slow to import

        return print_on_terminal([c for c in shown if not c.is_piped], groups, title)
    if title:
        click.echo(title)
    print_tabs([column.title for column in shown])
    for line in (line for group in groups for line in group if not line.is_extra):
        print_tabs([column.cell(line.values) for column in shown])
    return shown


def print_tabs(values: Iterable[str]) -> None:
    """Print a line of a table for a pipe; what would end a value or the line is escaped."""
    escapes = str.maketrans({"\t": "\\t", "\n": "\\n", "\r": "\\r"})
    click.echo("\t".join(value.translate(escapes) for value in values))


def print_rows(
    columns: Sequence[Column], rows: Iterable[Row], *, title: str = "", units: Units = METRIC
) -> list[Column]:
    """Print rows as a table of one group."""
    return print_table(columns, [[Line(row) for row in rows]], title=title, units=units)


def note_left_out(n_columns: int, otherwise: str) -> None:
    """Say that a terminal had no room for some columns, and what has them."""
    if n_columns > 0:
        left_out = formats.count(n_columns, "column")
        note(f"{left_out} left out: {otherwise} or a wider terminal has all")


def n_left_out(wanted: Sequence[Column], shown: Sequence[Column]) -> int:
    """How many columns a terminal had no room for."""
    return sum(not column.is_piped or not is_terminal(sys.stdout) for column in wanted) - len(shown)


def print_list(
    columns: Sequence[Column],
    names: Sequence[str],
    rows: Sequence[Row],
    output: Format,
    *,
    definitions: int,
    nothing: str,
    units: Units = METRIC,
) -> list[Column]:
    """Print the rows of a view as asked for; `names` are all its columns.

    `definitions` are those of its numbers, which JSON and CSV have in each row. `nothing` says why
    there is none. Return the columns that a table had room for.
    """
    if output == "json":
        print_json([{**row, "definitions": definitions} for row in rows])
    elif output == "csv":
        print_view_csv(names, rows, definitions)
    elif rows:
        shown = print_rows(columns, rows, units=units)
        note_left_out(n_left_out(columns, shown), "--csv")
        return shown
    else:
        note(nothing)
    return []


def print_json(document: Any) -> None:
    """Print one JSON document; times are ISO 8601, what is not known is null."""
    encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
    click.echo(msgspec.json.format(encoder.encode(document), indent=2).decode())


def print_view_csv(names: Sequence[str], rows: Iterable[Row], definitions: int) -> None:
    """Print rows of a view as CSV; the last column is the number of its definitions."""
    print_csv([*names, "definitions"], ({**row, "definitions": definitions} for row in rows))


def print_csv(names: Sequence[str], rows: Iterable[Row]) -> None:
    """Print rows as CSV with a header; what is not known is empty.

    No spreadsheet runs a cell of it, unless --csv-exact wants them as they are, and no terminal
    obeys one.
    """
    writer = csv.writer(sys.stdout, lineterminator="\n")
    context = click.get_current_context(silent=True)
    is_exact = context is not None and bool(context.meta.get(EXACT_KEY))
    to_cell = _exact_cell if is_exact else _inert_cell
    if is_terminal(sys.stdout):
        to_cell = _shown_cell
    writer.writerow([to_cell(name) for name in names])
    for row in rows:
        writer.writerow([to_cell(_csv_value(row[name])) for name in names])


def _exact_cell(value: Any) -> Any:
    return value


def _inert_cell(value: Any) -> Any:
    return inert(value) if isinstance(value, str) else value


def _shown_cell(value: Any) -> Any:
    return formats.text(inert(value)) if isinstance(value, str) else value


def _csv_value(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, list):
        return f"[{', '.join(map(str, value))}]"
    return value


def answer(sentence: str, *, indent: int = 0) -> None:
    """Print a sentence of the answer, in lines on a terminal."""
    click.echo(wrapped(sentence, sys.stdout, indent=indent))


def footer(sentence: str) -> None:
    """Print what goes with a table on a terminal; in a pipe it must not stand among the rows."""
    if is_terminal(sys.stdout):
        click.echo()
        answer(sentence)
    else:
        note(sentence)


def say(message: str) -> None:
    """Tell the user on stderr how something went."""
    click.echo(wrapped(message, sys.stderr), err=True)


def note(message: str) -> None:
    """Tell the user something that is not the answer."""
    is_dim = is_terminal(sys.stderr) and not os.environ.get("NO_COLOR")
    click.secho(wrapped(message, sys.stderr), err=True, dim=is_dim)
