"""Databases with every table and view and no drive: made once in a process, and then copied."""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import duckdb

from engagement.store import schema

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def new_store(path: Path | None = None, **config: Any) -> Iterator[duckdb.DuckDBPyConnection]:
    """A new database, open: at a path, or gone afterwards; `config` is DuckDB's."""
    with TemporaryDirectory() as folder:
        path = path or Path(folder, "engagement.duckdb")
        path.write_bytes(_content())
        with duckdb.connect(str(path), config=config) as connection:
            yield connection


@cache
def _content() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder, "engagement.duckdb")
        with duckdb.connect(str(path)) as connection:
            schema.create(connection)
        return path.read_bytes()
