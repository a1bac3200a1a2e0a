"""The tables and views of a database: migrations, parameters and sql/, applied by the writer."""

from __future__ import annotations

import re
import tomllib
from hashlib import sha256
from typing import TYPE_CHECKING, Annotated

import duckdb
import msgspec

from engagement.definitions import DEFINITIONS, UNNUMBERED
from engagement.errors import ConfigError, StoreError, StoreVersionError, ViewError, suggestion
from engagement.extract.kept_params import kept_params
from engagement.groupings import ALL, DIMENSIONS
from engagement.resources import resource_dir
from engagement.store.tables import describe_tables
from engagement.store.views import load_grids, load_macros, load_views, sql_hash

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from engagement.store.views import View

_MIGRATION = re.compile(r"(\d{4})_\w+\.sql")
_PARAMETER = re.compile(r"\{(\w+)\}")
_PRIVATE_PARAMS = "_private_values.sql"  # the migration that leaves only those of the list


class Parameter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A threshold of the definitions, its unit and why it is what it is."""

    value: Annotated[float, msgspec.Meta(ge=0, le=1e9)]
    unit: str
    why: str


class _Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    parameters: dict[str, Parameter]


def load_parameters(path: Path | None = None) -> dict[str, Parameter]:
    """The shipped parameters, with those of a file of the user's in their place.

    Raises:
        ConfigError: If the file is no TOML or has other than parameters in it.
    """
    shipped = resource_dir("config") / "engagement.toml"
    if path is not None:
        own = _read_parameters(path)
        known = _read_parameters(shipped)
        for name in own.keys() - known.keys():
            raise ConfigError(path, f"no parameter {name!r}{suggestion(name, known)}")
        return known | own
    return _read_parameters(shipped)


def _read_parameters(path: Path) -> dict[str, Parameter]:
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(settings, _Settings).parameters
    except OSError as error:
        raise ConfigError(path, error.strerror or "can't be read") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise ConfigError(path, str(error)) from error


def migrations() -> list[tuple[int, str, str]]:
    """Version, file name and text of every migration, in order."""
    found = []
    for path in sorted(resource_dir("migrations").glob("*.sql")):
        match = _MIGRATION.fullmatch(path.name)
        if match:
            found.append((int(match[1]), path.name, path.read_text(encoding="utf-8")))
    return found


def latest_version() -> int:
    """The version that this program reads and writes."""
    return migrations()[-1][0]


def refuse_views_as_tables(
    connection: duckdb.DuckDBPyConnection, path: Path, database: str = "engagement"
) -> None:
    """Refuse a file in which a view stands where a table belongs: it can say what no log said.

    Raises:
        StoreError: If there is one.
    """
    found = connection.execute(
        "select schema_name || '.' || view_name from duckdb_views() "
        "where database_name = ? and schema_name in ('log', 'store', 'result') "
        "order by all limit 1",
        [database],
    ).fetchone()
    if found:
        raise StoreError(
            f"{path}: {found[0]} is a view in it, where engagement has a table; somebody else made "
            "that: ingest the logs into a new database"
        )


def stored_version(connection: duckdb.DuckDBPyConnection) -> int:
    """The version of the database at hand, 0 for an empty one."""
    table = _migration_table(connection)
    if table is None:
        return 0
    rows = connection.execute(f"select coalesce(max(version), 0) from {table}").fetchall()
    return int(rows[0][0])


def _migration_table(connection: duckdb.DuckDBPyConnection) -> str | None:
    """Where the database keeps which migrations it has: in `main`, before it got schemas."""
    query = (
        "select schema_name from duckdb_tables() "
        "where table_name = 'schema_migration' and database_name = current_database()"
    )
    found = connection.execute(query).fetchall()
    return f"{found[0][0]}.schema_migration" if found else None


def is_current(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether a database has this program's tables and views, so that it need not be written."""
    if stored_version(connection) != latest_version():
        return False
    return _made_by(connection) == [(sql_hash(), DEFINITIONS)]


def _made_by(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, int]]:
    """What the database's results were computed by: views and definitions; empty without any."""
    return connection.execute("select sql_hash, definitions from store.state").fetchall()


def stored_definitions(connection: duckdb.DuckDBPyConnection) -> int | None:
    """The number of the definitions that a database's results are of, None if it has no results."""
    query = (
        "select schema_name, table_name, bool_or(column_name = 'definitions') from duckdb_columns()"
        " where database_name = current_database() and schema_name || '.' || table_name"
        " in ('main.store_state', 'store.state') group by all"
    )
    for schema, table, is_numbered in connection.execute(query).fetchall():
        column = f"coalesce(definitions, {UNNUMBERED})" if is_numbered else str(UNNUMBERED)
        found = connection.execute(f"select {column} from {schema}.{table}").fetchall()
        return int(found[0][0]) if found else None
    return None


def migrate(connection: duckdb.DuckDBPyConnection, path: Path | str = "the database") -> bool:
    """Apply the migrations that the database lacks, each with its record in one transaction.

    Returns:
        Whether it lacked any.

    Raises:
        StoreVersionError: If the database was made by a newer program.
        ViewError: If a migration does not run; it is rolled back.
    """
    if _migration_table(connection) is None:
        connection.execute(
            "create table schema_migration "
            "(version integer, name varchar, sha256 varchar, applied_at_utc timestamp)"
        )
    version = stored_version(connection)
    if version > latest_version():
        raise StoreVersionError(path, version, latest_version())
    for number, name, text in migrations():
        if number > version:
            _apply(connection, number, name, text)
    return version < latest_version()


def _apply(connection: duckdb.DuckDBPyConnection, number: int, name: str, text: str) -> None:
    connection.execute("begin")
    try:
        connection.execute(text)
        if name.endswith(_PRIVATE_PARAMS):
            _forget_private_params(connection)
        connection.execute(
            f"insert into {_migration_table(connection)} "
            "values (?, ?, ?, now() at time zone 'utc')",
            [number, name, sha256(text.encode()).hexdigest()],
        )
    except duckdb.Error as error:
        connection.execute("rollback")
        raise ViewError(name, str(error)) from error
    connection.execute("commit")


def _forget_private_params(connection: duckdb.DuckDBPyConnection) -> None:
    kept = sorted(kept_params())
    connection.execute("delete from log.param where not list_contains(?, name)", [kept])


def note_beginning(connection: duckdb.DuckDBPyConnection) -> None:
    """Have a copy of an empty database say that it was made now."""
    now = "now() at time zone 'utc'"
    connection.execute(f"update store.schema_migration set applied_at_utc = {now}")
    connection.execute(f"update store.state set published_at_utc = {now}")


def seed_parameters(
    connection: duckdb.DuckDBPyConnection, parameters: dict[str, Parameter], *, keep: bool
) -> bool:
    """Write the parameters; True if any differs from what results were computed with.

    Args:
        connection: Of the writer.
        parameters: What the database is to have.
        keep: Whether what it has already stays, so that only new names are added.
    """
    found = connection.execute(
        "select name, value, unit, why from store.parameter order by name"
    ).fetchall()
    by_name = {name: (name, p.value, p.unit, p.why) for name, p in parameters.items()}
    if keep:
        by_name |= {row[0]: row for row in found if row[0] in by_name}
    wanted = sorted(by_name.values())
    if found == wanted:
        return False
    connection.execute("delete from store.parameter")
    connection.executemany("insert into store.parameter values (?, ?, ?, ?)", wanted)
    return True


def load_sql(connection: duckdb.DuckDBPyConnection, *, is_forced: bool = False) -> bool:
    """Make every view, and an empty result table for each computing one, if any may have changed.

    Args:
        connection: Of the writer.
        is_forced: Whether to do so in any case, as after a change of the parameters, whose values
            stand in the comments.

    Returns:
        Whether it had, so that all results must be computed anew.
    """
    if _made_by(connection) == [(sql_hash(), DEFINITIONS)] and not is_forced:
        return False
    connection.execute("begin")
    try:
        _drop_views(connection)
        _explain_tables(connection)
        values = dict(connection.execute("select name, value from store.parameter").fetchall())
        # Macros read the parameters, and all other views call macros.
        _create_views(connection, [view for view in load_views() if view.is_one_row], values)
        create_macros(connection)
        others = [view for view in load_views() if not view.is_one_row]
        _create_views(connection, [view for view in others if not view.is_on_grid], values)
        _create_macros(connection, "sql/grids.sql", load_grids())
        _create_views(connection, [view for view in others if view.is_on_grid], values)
        found = connection.execute("select max(generation) from store.state").fetchall()
        connection.execute("delete from store.state")
        connection.execute(
            "insert into store.state values (?, ?, now() at time zone 'utc', ?)",
            [sql_hash(), found[0][0] or 0, DEFINITIONS],
        )
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")
    return True


def _create_result(connection: duckdb.DuckDBPyConnection, view: str, result: str) -> None:
    """An empty table with the view's columns; `create table as` would plan the whole view."""
    columns = connection.execute(
        "select column_name, data_type from duckdb_columns() where database_name = "
        "current_database() and schema_name || '.' || table_name = ? order by column_index",
        [view],
    ).fetchall()
    described = ", ".join(f'"{name}" {kind}' for name, kind in columns)
    connection.execute(f"create table {result} ({described})")


def _drop_views(connection: duckdb.DuckDBPyConnection) -> None:
    for schema in ("staging", "compute", "result"):
        connection.execute(f"drop schema if exists {schema} cascade")
        connection.execute(f"create schema {schema}")
    query = "select view_name from duckdb_views() where schema_name = 'main' and not internal"
    for (name,) in connection.execute(query).fetchall():
        connection.execute(f'drop view if exists "{name}"')
    query = (
        "select function_name, function_type from duckdb_functions() where database_name = "
        "current_database() and schema_name = 'main' and not internal "
        "and function_type in ('macro', 'table_macro')"
    )
    for name, kind in connection.execute(query).fetchall():
        connection.execute(f'drop {kind.replace("table_macro", "macro table")} if exists "{name}"')


def create_macros(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the macros that views call."""
    _create_macros(connection, "sql/macros.sql", load_macros())


def _create_macros(connection: duckdb.DuckDBPyConnection, file: str, text: str) -> None:
    try:
        connection.execute(text)
    except duckdb.Error as error:
        raise ViewError(file, str(error)) from error


def _explain_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Keep what the tables and their columns mean as their comments."""
    found = connection.execute(
        "select schema_name || '.' || table_name, column_name, is_nullable from duckdb_columns() "
        "where schema_name in ('log', 'store') and database_name = current_database()"
    ).fetchall()
    tables = describe_tables()
    for name in {name for name, *_ in found} & tables.keys():
        connection.execute(f"comment on table {name} is {quoted(tables[name].title)}")
    for name, column, is_nullable in found:
        is_silent = name.startswith("log.") and is_nullable
        words = tables[name].said_of(column, is_nullable=is_silent) if name in tables else ""
        if words:
            connection.execute(f'comment on column {name}."{column}" is {quoted(words)}')


def quoted(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def _create_views(
    connection: duckdb.DuckDBPyConnection, views: Iterable[View], values: Mapping[str, float]
) -> None:
    keeps_comments = not is_lake(connection)
    for view in views:
        _create_view(connection, view, values if keeps_comments else None)
        if view.result:
            _create_result(connection, view.name, view.result)


def _create_view(
    connection: duckdb.DuckDBPyConnection, view: View, values: Mapping[str, float] | None
) -> None:
    """Make a view, with what its columns mean unless the database keeps none of that."""
    try:
        connection.execute(view.text)
        connection.execute(f"comment on view {view.name} is {quoted(view.title)}")
        if values is not None:
            for column, said in said_of_columns(view, values).items():
                connection.execute(f"comment on column {view.name}.{column} is {quoted(said)}")
    except KeyError as error:
        raise ViewError(view.file, f"a comment names {error}, which is no parameter") from error
    except duckdb.Error as error:
        raise ViewError(view.file, str(error)) from error


def said_of_columns(view: View, values: Mapping[str, float]) -> dict[str, str]:
    """What each column of a view means, with the values of the parameters that are named."""
    return {
        column: _PARAMETER.sub(lambda match: _said(match[1], values), words)
        for column, words in view.comments.items()
    }


def is_lake(connection: duckdb.DuckDBPyConnection) -> bool:
    """Whether the database at hand is a DuckLake, which keeps no comments on columns of views."""
    [(kind,)] = connection.execute(
        "select type from duckdb_databases() where database_name = current_database()"
    ).fetchall()
    return bool(kind == "ducklake")


def _said(name: str, values: Mapping[str, float]) -> str:
    """What stands for a name in a comment."""
    return ", ".join((ALL, *DIMENSIONS)) if name == "groupings" else f"{values[name]:g}"


def create(
    connection: duckdb.DuckDBPyConnection,
    parameters_file: Path | None = None,
    *,
    reset_parameters: bool = False,
    path: Path | str = "the database",
) -> bool:
    """Bring tables, parameters and views up to date; True if results must be computed anew.

    The database keeps the parameters that it has, unless a file is named or a reset wanted; `path`
    is its name in messages.

    Raises:
        StoreVersionError: If the database was made by a newer program.
        ViewError: If a migration or a view does not run.
        ConfigError: If the parameters do not hold.
    """
    is_migrated = migrate(connection, path)
    keep = parameters_file is None and not reset_parameters
    parameters = load_parameters(parameters_file)
    is_reparameterised = seed_parameters(connection, parameters, keep=keep)
    return load_sql(connection, is_forced=is_reparameterised or is_migrated)
