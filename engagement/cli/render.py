"""Answers on stdout: tables for people, JSON and CSV for programs.

A table on a terminal leaves out its least important columns until it fits; in a pipe it is plain
text with every column, however wide.
"""

from __future__ import annotations

import csv
import sys
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from engagement import formats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from engagement.cli.options import Format

    Row = Mapping[str, Any]

_PIPE_WIDTH = 100_000
_NUMBERS = (
    formats.percent,
    formats.percent_interval,
    formats.decimal,
    formats.two_decimals,
    formats.three_decimals,
    formats.five_decimals,
    formats.number,
    formats.interval,
    formats.duration,
    formats.size,
)


def _no_mark(_row: Row) -> str:
    return ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, the value's name in a row, and how it is shown.

    `rank` says how soon it is left out where there is no room: the highest first, 0 never.
    `mark` is what a row adds to its value. A column that `is_whole` is never wrapped.
    """

    heading: str
    name: str
    show: Callable[[Any], str] = formats.text
    rank: int = 0
    is_number: bool = False
    is_whole: bool = False
    mark: Callable[[Row], str] = _no_mark

    @property
    def is_right(self) -> bool:
        """Whether values stand at the right edge."""
        return self.is_number or self.show in _NUMBERS


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a table; a name that `values` lacks leaves its cell empty."""

    values: Row
    style: str = ""


def print_table(
    columns: Sequence[Column], groups: Sequence[Sequence[Line]], *, title: str = ""
) -> list[Column]:
    """Print a table; return the columns that there was room for."""
    is_terminal = sys.stdout.isatty()
    console = Console(
        file=sys.stdout, width=None if is_terminal else _PIPE_WIDTH, highlight=False, emoji=False
    )
    shown = list(columns)
    table = _table(shown, groups, is_terminal=is_terminal)
    while _natural_width(console, table) > console.width:
        last = max(shown, key=lambda column: column.rank)
        if not last.rank:
            break
        shown.remove(last)
        table = _table(shown, groups, is_terminal=is_terminal)
    if title:
        console.print(Text(title, style="bold"))
    if is_terminal:
        console.print(table)
    else:
        _print_plain(console, table)
    return shown


def _natural_width(console: Console, table: Table) -> int:
    return Measurement.get(console, console.options.update(max_width=_PIPE_WIDTH), table).maximum


def _print_plain(console: Console, table: Table) -> None:
    with console.capture() as capture:
        console.print(table)
    for line in capture.get().splitlines():
        click.echo(line.rstrip())


def _table(
    columns: Sequence[Column], groups: Sequence[Sequence[Line]], *, is_terminal: bool
) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD if is_terminal else None,
        pad_edge=False,
        collapse_padding=is_terminal,
        show_edge=False,
        header_style="dim" if is_terminal else "",
    )
    n_heading_lines = max((column.heading.count("\n") for column in columns), default=0)
    for column in columns:
        above = "\n" * (n_heading_lines - column.heading.count("\n"))
        table.add_column(
            Text(above + column.heading),
            justify="right" if column.is_right else "left",
            no_wrap=column.is_right or column.is_whole,
            overflow="fold",
        )
    for group in groups:
        for line in group:
            table.add_row(*(_cell(column, line) for column in columns), style=line.style)
        table.add_section()
    return table


def _cell(column: Column, line: Line) -> Text:
    if column.name not in line.values:
        return Text()
    return Text(column.show(line.values[column.name]) + column.mark(line.values))


def print_rows(columns: Sequence[Column], rows: Iterable[Row], *, title: str = "") -> list[Column]:
    """Print rows as a table of one group."""
    return print_table(columns, [[Line(row) for row in rows]], title=title)


def print_list(
    columns: Sequence[Column],
    names: Sequence[str],
    rows: Sequence[Row],
    output: Format,
    *,
    noun: str,
) -> None:
    """Print the rows of a view as asked for; `names` are all its columns."""
    if output == "json":
        print_json(rows)
    elif output == "csv":
        print_csv(names, rows)
    elif rows:
        print_rows(columns, rows)
    else:
        note(f"there is no such {noun} in the database")


def print_json(document: Any) -> None:
    """Print one JSON document; times are ISO 8601, what is not known is null."""
    encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
    click.echo(msgspec.json.format(encoder.encode(document), indent=2).decode())


def print_csv(names: Sequence[str], rows: Iterable[Row]) -> None:
    """Print rows as CSV with a header; what is not known is empty."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        writer.writerow([_csv_value(row[name]) for name in names])


def _csv_value(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime | date):
        return value.isoformat()
    return value


def note(message: str) -> None:
    """Tell the user something that is not the answer."""
    click.secho(message, err=True, dim=sys.stderr.isatty())
