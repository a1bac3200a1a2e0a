"""A store to compute on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.empty_store import new_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    import duckdb


@pytest.fixture(scope="module")
def store() -> Iterator[duckdb.DuckDBPyConnection]:
    """A store with every table and view and no drive; who changes it changes it back."""
    with new_store() as connection:
        yield connection


@pytest.fixture
def connection(store: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same: what a test does to it is rolled back."""
    store.execute("begin")
    yield store
    store.execute("rollback")
