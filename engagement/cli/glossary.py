"""`engagement glossary`: what each column means, in the words of the views themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from engagement.cli import columns, render
from engagement.cli.options import database_option, json_option
from engagement.errors import NotFoundError
from engagement.store.described import describe, describe_tables, table_meanings
from engagement.store.reader import Reader
from engagement.units import METRIC

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Meanings = dict[str, tuple[str, dict[str, str]]]


@click.command()
@click.argument("term", required=False)
@json_option
@database_option
def glossary(*, term: str | None, database: Path, as_json: bool) -> None:
    """Explain the columns of the report, of every view and of every table.

    TERM is a view, a table, a column, a heading of the report, or part of one. The explanations
    are the database's own, or the shipped ones where there is no database.

    \b
    Example:
      engagement glossary
      engagement glossary coverage
      engagement glossary disengagements
      engagement glossary log.car_state
    """
    meanings = _meanings(database)
    if term:
        meanings = _matching(meanings | _tables(database), term.lower())
    if as_json:
        render.print_json(
            {
                view: {"title": title, "columns": comments}
                for view, (title, comments) in meanings.items()
            }
        )
        return
    if not term:
        _print_headings(meanings)
    for view, (title, comments) in meanings.items():
        rows = [{"column": name, "meaning": meaning} for name, meaning in comments.items()]
        render.print_rows(columns.GLOSSARY, rows, title=f"{view}: {title}")
        click.echo()


def _meanings(database: Path) -> Meanings:
    if not database.exists():
        return describe()
    with Reader(database) as reader:
        return {view: (title, reader.comments(view)) for view, title in reader.views().items()}


def _tables(database: Path) -> Meanings:
    if not database.exists():
        return describe_tables()
    with Reader(database) as reader:
        return table_meanings(reader.connection)


def _matching(meanings: Meanings, term: str) -> Meanings:
    """The view of that name; else the columns of that name or heading; else those with it inside.

    Raises:
        NotFoundError: If there is none.
    """
    for name in (term, f"log.{term}", f"store.{term}"):
        if name in meanings:
            return {name: meanings[name]}
    names = {c.name for c in columns.REPORT if c.of(METRIC).title == term} | {term}
    found = _narrow(meanings, lambda column: column in names)
    found = found or _narrow(meanings, lambda column: term.replace(" ", "_") in column)
    if not found:
        known = {column for _, comments in meanings.values() for column in comments}
        raise NotFoundError("view, column or heading", term, known | set(meanings))
    return found


def _narrow(meanings: Meanings, is_wanted: Callable[[str], bool]) -> Meanings:
    narrowed = {
        view: (title, {name: text for name, text in comments.items() if is_wanted(name)})
        for view, (title, comments) in meanings.items()
    }
    return {view: entry for view, entry in narrowed.items() if entry[1]}


def _print_headings(meanings: Meanings) -> None:
    """The headings of the report, each with the column behind it."""
    known = meanings["devices"][1] | meanings["drives"][1]
    rows = {
        column.name: {
            "heading": column.of(METRIC).title,
            "column": column.name,
            "meaning": known.get(column.name, ""),
        }
        for column in (*columns.DEVICES, *columns.DRIVES)
        if not column.is_piped
    }
    render.print_rows(columns.HEADINGS, rows.values(), title="Headings of the report")
    click.echo()
