"""Results of some views alone, which is quicker than all of them."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

from engagement.store.views import View, load_views
from tests import builders

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

Row = dict[str, Any]
Tables = dict[str, list[Row]]


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


def is_same(value: object, expected: object, *, rel_tol: float = 1e-9) -> bool:
    """Whether a value is the expected one, but for the last digits of a float."""
    if isinstance(value, float) and isinstance(expected, float):
        return math.isclose(value, expected, rel_tol=rel_tol, abs_tol=1e-9)
    return type(value) is type(expected) and value == expected


def has_values(row: Row, expected: Row) -> bool:
    """Whether a row has the expected values; it may have other columns as well."""
    return all(is_same(row[name], value) for name, value in expected.items())


def differences(
    views: Tables,
    expected: Tables,
    keys: Mapping[str, Sequence[str]],
    rel_tols: Mapping[str, float] | None = None,
) -> list[str]:
    """What views say otherwise than expected, in any column that is expected.

    Rows are told by the columns that `keys` names for each view; `rel_tols` are of columns whose
    names end so, where they are approximations.
    """
    rel_tols = rel_tols or {}
    found = []
    for name in views.keys() & keys.keys():
        rows = {tuple(row[key] for key in keys[name]): row for row in views[name]}
        wanted = {tuple(row[key] for key in keys[name]): row for row in expected[name]}
        assert len(rows) == len(views[name])
        found += [f"{name}{key}: not expected" for key in rows.keys() - wanted.keys()]
        found += [f"{name}{key}: missing" for key in wanted.keys() - rows.keys()]
        found += [
            f"{name}{key}: {column} is {rows[key][column]!r} and not {value!r}"
            for key in rows.keys() & wanted.keys()
            for column, value in wanted[key].items()
            if not is_same(
                rows[key][column],
                value,
                rel_tol=next((rel_tols[end] for end in rel_tols if column.endswith(end)), 1e-9),
            )
        ]
    return sorted(found)
