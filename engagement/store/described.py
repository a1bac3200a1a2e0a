"""What the views and tables are and mean, from sql/ itself, or from a database."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import duckdb

from engagement.store.schema import create
from engagement.store.template import copy_template

if TYPE_CHECKING:
    from collections.abc import Iterator


def describe() -> dict[str, tuple[str, dict[str, str]]]:
    """Title and column meanings of every public view, from sql/ itself: no database needed."""
    with empty_database() as connection:
        return _meanings(connection, "main")


def describe_tables() -> dict[str, tuple[str, dict[str, str]]]:
    """The same of every table of the schemas `log` and `store`, by its full name."""
    with empty_database() as connection:
        return table_meanings(connection)


def table_meanings(
    connection: duckdb.DuckDBPyConnection,
) -> dict[str, tuple[str, dict[str, str]]]:
    """Title and column meanings of every table of `log` and `store` in a database."""
    return {
        f"{schema}.{name}": meaning
        for schema in ("log", "store")
        for name, meaning in _meanings(connection, schema).items()
    }


@contextmanager
def empty_database() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database without drives to look at, whose views and tables are explained."""
    with TemporaryDirectory() as folder, _empty(Path(folder) / "empty.duckdb") as connection:
        yield connection


def _empty(path: Path) -> duckdb.DuckDBPyConnection:
    """A copy of the template, or a database in memory where there is no sound one."""
    if copy_template(path):
        with suppress(duckdb.Error):
            return duckdb.connect(str(path), read_only=True)
    connection = duckdb.connect()
    create(connection)
    return connection


def _meanings(
    connection: duckdb.DuckDBPyConnection, schema: str
) -> dict[str, tuple[str, dict[str, str]]]:
    titles = (
        "select {0}_name, comment from duckdb_{0}s() where schema_name = $1 "
        "and database_name = current_database() and not internal"
    )
    union = " union all ".join(titles.format(kind) for kind in ("view", "table"))
    rows = connection.execute(f"{union} order by 1", [schema]).fetchall()
    found: dict[str, tuple[str, dict[str, str]]] = {name: (title or "", {}) for name, title in rows}
    columns = connection.execute(
        "select table_name, column_name, comment from duckdb_columns() where schema_name = $1 "
        "and database_name = current_database() and not internal order by table_name, column_index",
        [schema],
    ).fetchall()
    for name, column, comment in columns:
        if name in found:
            found[name][1][column] = comment or ""
    return found
