"""Tables and records on a terminal, with what there is room for."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.cli.table_parts import Column, Line

    Groups = Sequence[Sequence[Line]]

_GAP = 2  # blanks between two columns
_MIN_TEXT = 24  # a column of text is not wrapped to less


def print_on_terminal(columns: Sequence[Column], groups: Groups, title: str) -> list[Column]:
    """Print a table that fits, or records; return the columns that there was room for."""
    console = Console(file=sys.stdout, highlight=False, emoji=False)
    if title:
        console.print(Text(title, style="bold"))
    shown = fitting(columns, groups, console.width)
    if shown is None:
        _print_records(console, columns, groups)
        return list(columns)
    console.print(_table(shown, groups))
    return shown


def fitting(columns: Sequence[Column], groups: Groups, width: int) -> list[Column] | None:
    """The columns of a table that is no wider; None if even the most important are too wide."""
    lengths = {column: _length(column, groups) for column in columns}
    shown = list(columns)
    while _total([lengths[column] for column in shown]) > width:
        last = max(shown, key=lambda column: column.rank)
        if not last.rank:
            return shown if is_narrow(shown, groups, width) else None
        shown.remove(last)
    return shown


def is_narrow(columns: Sequence[Column], groups: Groups, width: int) -> bool:
    """Whether a table can be no wider, by wrapping text between words."""
    return _total([_least(column, groups) for column in columns]) <= width


def _total(lengths: Sequence[int]) -> int:
    return sum(lengths) + _GAP * (len(lengths) - 1)


def _is_kept(column: Column) -> bool:
    """Whether a column keeps its width: numbers and names do, text is wrapped."""
    return column.is_right or column.is_whole


def _length(column: Column, groups: Groups) -> int:
    return max(cell_len(part) for text in _texts(column, groups) for part in text.split("\n"))


def _least(column: Column, groups: Groups) -> int:
    """How narrow a column can be."""
    length = _length(column, groups)
    if _is_kept(column):
        return length
    words = (word for text in _texts(column, groups) for word in text.split())
    return max(min(length, _MIN_TEXT), max(map(cell_len, words), default=0))


def _texts(column: Column, groups: Groups) -> list[str]:
    cells = (_text(column, line).plain for group in groups for line in group)
    return [column.heading, *cells]


def _text(column: Column, line: Line) -> Text:
    cell = column.cell(line.values)
    if not cell:
        return Text()
    return Text(cell + column.mark(line.values), style=column.style(line.values))


def _table(columns: Sequence[Column], groups: Groups) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        collapse_padding=True,
        show_edge=False,
        header_style="dim",
    )
    n_heading_lines = max((column.heading.count("\n") for column in columns), default=0)
    for column in columns:
        above = "\n" * (n_heading_lines - column.heading.count("\n"))
        table.add_column(
            Text(above + column.heading),
            justify="right" if column.is_right else "left",
            no_wrap=_is_kept(column),
            overflow="fold",
        )
    for group in groups:
        for line in group:
            table.add_row(*(_text(column, line) for column in columns), style=line.style)
        table.add_section()
    return table


def _print_records(console: Console, columns: Sequence[Column], groups: Groups) -> None:
    """A field a line; headings and totals of groups stand alone where they have one value."""
    for line in (line for group in groups for line in group):
        cells = [(column.title, _text(column, line)) for column in columns]
        there = [(title, cell) for title, cell in cells if cell]
        if line.is_extra and len({cell.plain for _, cell in there}) == 1:
            _print_line(console, there[0][1], line.style)
        else:
            start = max((cell_len(title) for title, _ in there), default=0) + _GAP
            for title, cell in there:
                _print_field(console, title, cell, start, line.style)
        console.print()


def _print_field(console: Console, title: str, value: Text, start: int, style: str) -> None:
    """A value beside its name; below it, if it has a word too long for that."""
    words = value.plain.split()
    room = console.width - start
    if max(map(cell_len, words), default=0) > room:
        _print_line(console, Text(title, style="dim"), style)
        _print_line(console, Text(" " * _GAP) + value, style)
        return
    for number, part in enumerate(value.wrap(console, room)):
        part.rstrip()
        label = Text("" if number else title, style="dim")
        label.pad_right(start - cell_len(label.plain))
        _print_line(console, label + part, style)


def _print_line(console: Console, text: Text, style: str) -> None:
    """A line; what is longer than the terminal is wide is left to it, so that nothing is cut."""
    console.print(text, style=style, soft_wrap=True)
