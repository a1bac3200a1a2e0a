"""What the database says of its own tables."""

from __future__ import annotations

import duckdb
import pytest

from engagement.extract.sources import SOURCES
from engagement.store import schema
from engagement.store.described import describe_tables
from engagement.store.tables import describe_tables as told_tables


@pytest.fixture(scope="module")
def columns():
    with duckdb.connect() as connection:
        schema.migrate(connection)
        found = connection.execute(
            "select schema_name || '.' || table_name, column_name from duckdb_columns() "
            "where schema_name in ('log', 'store')"
        ).fetchall()
    assert len(found) > 200
    return set(found)


@pytest.fixture(scope="module")
def meanings():
    return describe_tables()


def test_every_table_and_column_is_explained(columns, meanings):
    told = {(name, column) for name, (_, known) in meanings.items() for column in known}
    assert told == columns
    assert [name for name, (title, _) in meanings.items() if not title.endswith(".")] == []
    words = [text for _, known in meanings.values() for text in known.values()]
    assert [text for text in words if not text or text.endswith(".")] == []


def test_nothing_is_told_of_a_column_that_is_not_there(columns):
    names = {name for name, _ in columns}
    assert {*told_tables()} == names
    everywhere = set.intersection(*({*table.columns} for table in told_tables().values()))
    own = {
        (name, column)
        for name, table in told_tables().items()
        for column in table.columns.keys() - everywhere
    }
    assert own <= columns


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: f"{source.table}-{source.event}")
def test_a_column_names_the_fields_that_it_is_read_from(source, meanings):
    _, known = meanings[f"log.{source.table}"]
    assert all(
        source.event in known[column] and path in known[column]
        for column, path in source.columns.items()
    )
