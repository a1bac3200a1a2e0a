"""Moments saved under a name and forgotten again, each in the next generation of a database.

Names and expressions are words of a user: no file that `redact` writes has them.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from engagement.errors import InputError, NotFoundError, StoreMissingError
from engagement.moments.compiling import compiled
from engagement.moments.grammar import parse
from engagement.moments.shipped import expression_of, shipped_moments
from engagement.moments.signals import known_signals, known_words
from engagement.store.copies import refresh_all
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.label_words import check_note
from engagement.store.reader import Reader
from engagement.store.results import refresh_moments
from engagement.store.saved_moments import read_saved
from engagement.store.segments import drives_with_logs

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import duckdb

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def save_moment(database: Path, name: str, text: str) -> bool:
    """Save what an expression describes, in the place of what had the name, and count it.

    Args:
        database: The database file.
        name: What it is to be called: letters a-z, digits and _.
        text: The expression, or a name that ships or is saved.

    Returns:
        Whether anything changed.

    Raises:
        InputError: If it can't be read, or the name is none or stands for something else.
        NotFoundError: If it names what `samples` does not have.
        StoreError: If the database can't be written.
    """
    if not database.exists():
        raise StoreMissingError(database)
    with writer_lock(database):
        with Reader(database) as reader:
            signals = known_signals(reader.rows)
            called = _checked(name, text, {*signals, *known_words(signals)})
            known = {one.name: one.expression for one in read_saved(reader.rows)}
            expression = check_note(known.get(text.strip()) or expression_of(text)) or ""
            compiled(parse(expression, signals))
            if known.get(called) == expression and reader.is_current:
                return False
        now = datetime.now(UTC).replace(tzinfo=None)
        # One that ships is kept by its name, so that it changes with what ships.
        kept = called if called in shipped_moments() else expression
        _write(database, called, [(called, kept, now)], is_complete=called in known)
    return True


def forget_moment(database: Path, name: str) -> None:
    """Forget a saved moment: it is no event any more. Labels of it stay, should it come back.

    Raises:
        NotFoundError: If none is called so.
        StoreError: If the database can't be written.
    """
    if not database.exists():
        raise StoreMissingError(database)
    called = name.strip().lower()
    with writer_lock(database):
        with Reader(database) as reader:
            known = [one.name for one in read_saved(reader.rows)]
        if called not in known:
            raise NotFoundError("saved moment", name, known)
        _write(database, called, [], is_complete=True)


def _checked(name: str, text: str, words: Iterable[str]) -> str:
    called = name.strip().lower()
    if not _NAME.fullmatch(called):
        raise InputError(
            f"{name[:40]!r} is no name of a moment: it has up to 40 letters a-z, digits and _, and "
            "begins with a letter"
        )
    if called in words:
        raise InputError(f"{called!r} is a word of expressions; call it something else")
    shipped = shipped_moments().get(called)
    if shipped and shipped.find != expression_of(text):
        raise InputError(f"{called!r} is a name that ships; call it something else")
    return called


def _write(
    database: Path, name: str, rows: list[tuple[str, str, datetime]], *, is_complete: bool
) -> None:
    """Replace the rows of a name; what is computed from them follows."""
    with Writer(database) as writer:
        connection: duckdb.DuckDBPyConnection = writer.connection
        connection.execute("delete from store.saved_moment where name = ?", [name])
        if rows:
            connection.executemany("insert into store.saved_moment values (?, ?, ?)", rows)
        if writer.is_outdated:
            refresh_all(connection)
        else:
            refresh_moments(connection, drives_with_logs(connection))
        writer.publish(complete=is_complete)
