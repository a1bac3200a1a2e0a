"""A file of older tables, shown under the names of now; the file itself stays as it is.

Its numbers are what its own public views say: nothing is computed anew. They are read through a
database in memory whose relations have the columns of now, each from the relation of its name in
the file. What that has not got is null, and what has another name now, or had only one value then,
is told as it was. The next ingest or `engagement recompute` migrates the file and computes anew.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from engagement.definitions import UNNUMBERED
from engagement.store.described import empty_database
from engagement.store.schema import create_macros, latest_version, quoted

if TYPE_CHECKING:
    import duckdb

_SHOWN = ("main", "log", "store", "result", "staging")
_SCHEMAS = "engagement.main,older.main"  # the file's views call each other by their names alone
_ABSENT = "; null until the next ingest or `engagement recompute`, as an older engagement was here"

# What base tables were called before they had schemas of their own, if not by their name alone.
_OLD_NAMES = {"store.state": "store_state"}

# Columns of now that a relation has not got under that name, by what it says instead.
_INSTEAD = {
    "rates": {"exposure_h": "engaged_h", "exposure_km": "engaged_km"},
    "drives": {
        "started_at": "started_at_utc",
        "started_at_local": "case when clock_source = 'name' then started_at_utc end",
    },
    "event_labels": {"event_kind": "case when event_id is not null then kind end"},
    "interventions": {"event_kind": "kind", "event_mono_ns": "mono_ns"},
    "store.state": {"definitions": f"{UNNUMBERED}"},
}

# What told of local time as if it were UTC, in files without a column for local time.
_LOCAL = {"started_at_utc": "case when clock_source <> 'name' then started_at_utc end"}


class _Column(NamedTuple):
    kind: str
    comment: str | None


class _Relation(NamedTuple):
    comment: str | None
    columns: dict[str, _Column]


_NOTHING = _Relation(None, {})


def show_older(connection: duckdb.DuckDBPyConnection, file: str) -> str:
    """Put a database in memory that shows an older file in the place of `engagement`, the file.

    Args:
        connection: With the file attached as `engagement`.
        file: Its name, quoted for SQL.

    Returns:
        The schemas that hold what is called by its name alone, as a search path.
    """
    connection.execute("use memory")
    connection.execute("detach engagement")
    connection.execute(f"attach {file} as older (read_only, type duckdb)")
    connection.execute("attach ':memory:' as engagement")
    connection.execute(f"set search_path = '{_SCHEMAS}'")
    for schema in _SHOWN[1:]:
        connection.execute(f"create schema {schema}")
    had = _relations(connection, "older")
    for name, relation in _wanted(latest_version()).items():
        old_name = _old_name(name, had)
        _show(connection, name, relation, old_name, had.get(old_name, _NOTHING))
    create_macros(connection)
    return _SCHEMAS


@cache
def _wanted(_version: int) -> dict[str, _Relation]:
    """The relations of this program, whose tables are of a version."""
    with empty_database() as connection:
        [(database,)] = connection.execute("select current_database()").fetchall()
        return _relations(connection, database)


def _relations(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, _Relation]:
    """The tables and views of a database by schema and name; by name alone if in `main`."""
    query = (
        "select schema_name, {0}_name, comment from duckdb_{0}s() "
        "where database_name = $database and not internal"
    )
    titles = " union all ".join(query.format(kind) for kind in ("view", "table"))
    found = {
        _name(schema, relation): _Relation(comment, {})
        for schema, relation, comment in connection.execute(
            titles, {"database": database}
        ).fetchall()
        if schema in _SHOWN
    }
    columns = connection.execute(
        "select schema_name, table_name, column_name, data_type, comment from duckdb_columns() "
        "where database_name = $database and not internal order by column_index",
        {"database": database},
    ).fetchall()
    for schema, relation, column, kind, comment in columns:
        if (name := _name(schema, relation)) in found:
            found[name].columns[column] = _Column(kind, comment)
    return found


def _name(schema: str, relation: str) -> str:
    return relation if schema == "main" else f"{schema}.{relation}"


def _old_name(name: str, had: dict[str, _Relation]) -> str:
    """What a relation of now was called in a file."""
    if name in had:
        return name
    return _OLD_NAMES.get(name, name.removeprefix("log.").removeprefix("store."))


def _show(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    wanted: _Relation,
    old_name: str,
    had: _Relation,
) -> None:
    """Make one relation of now, with its comments; without rows if the file has not got it."""
    said = {column: _said(name, column, had) for column in wanted.columns}
    columns = ", ".join(
        f'{said[column] or "null"}::{kind} as "{column}"'
        for column, (kind, _) in wanted.columns.items()
    )
    if name.startswith("log.") and had.columns:
        columns += ", rowid"  # which tells rows apart, and a view has not got
    source = f"from older.{old_name}" if had.columns else "where false"
    connection.execute(f"create view {name} as select {columns} {source}")
    _comment(connection, f"view {name}", had.comment or wanted.comment or "")
    for column, (_, comment) in wanted.columns.items():
        words = had.columns[column].comment if column in had.columns else comment
        if words:
            absent = "" if said[column] else _ABSENT
            _comment(connection, f'column {name}."{column}"', words + absent)


def _said(name: str, column: str, had: _Relation) -> str | None:
    """What a column of now is in a file, as SQL; None if it has nothing of the kind."""
    if column in had.columns:
        is_mixed = column in _LOCAL and "clock_source" in had.columns
        if is_mixed and "started_at_local" not in had.columns:
            return _LOCAL[column]
        return f'"{column}"'
    if not had.columns:
        return None
    if column == "mode":  # what was measured was engaged
        return "'engaged'"
    return _INSTEAD.get(name, {}).get(column)


def _comment(connection: duckdb.DuckDBPyConnection, what: str, words: str) -> None:
    connection.execute(f"comment on {what} is {quoted(words)}")
