"""Results of some views alone, which is quicker than all of them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from engagement.store.views import View, load_views
from tests import builders

if TYPE_CHECKING:
    import duckdb

Row = dict[str, Any]


def compute(
    connection: duckdb.DuckDBPyConnection, tables: builders.BaseTables, *views: str
) -> None:
    """Insert base tables, and compute the results that public views show, of all drives."""
    builders.insert(connection, tables)
    for needed in upstream(*views):
        if needed.result:
            connection.execute(f"delete from {needed.result}")
            connection.execute(f"insert into {needed.result} by name from {needed.name}")


@cache
def upstream(*views: str) -> tuple[View, ...]:
    """What views read, and they themselves, in the order in which they must be computed."""
    wanted = set(views)
    for other in reversed(load_views()):
        if wanted & {other.name, other.result}:
            wanted |= other.reads
    return tuple(other for other in load_views() if wanted & {other.name, other.result})


def rows(connection: duckdb.DuckDBPyConnection, query: str) -> list[Row]:
    """The rows of a query."""
    found: list[Row] = connection.sql(query).to_arrow_table().to_pylist()
    return found
