"""Databases to try things on: each its own copy of one that was made once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from engagement.store.database_writer import Writer, writer_lock
from engagement.store.serving import Publication
from tests.store.small_logs import ONE, OTHER, write
from tests.store.stores import Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with every view and no drive, which takes longer to make than to copy."""
    path = tmp_path_factory.mktemp("empty") / "engagement.duckdb"
    with writer_lock(path), Writer(path) as writer:
        writer.publish()
    return path


@pytest.fixture(scope="session")
def two_drives(tmp_path_factory: pytest.TempPathFactory, empty_database: Path) -> Store:
    """Two drives of a segment each; for tests that change nothing, or copy it."""
    store = Store(tmp_path_factory.mktemp("two_drives"))
    store.copy_of(empty_database)
    for drive in (ONE, OTHER):
        write(store.logs, drive, 0)
    store.ingest()
    return store


@pytest.fixture
def store(tmp_path: Path, empty_database: Path) -> Store:
    """An empty database and an empty folder of logs."""
    store = Store(tmp_path)
    store.logs.mkdir()
    store.copy_of(empty_database)
    return store


@pytest.fixture
def begun(tmp_path: Path, two_drives: Store) -> Store:
    """A database that has two drives, whose logs are elsewhere, and an empty folder of logs."""
    store = Store(tmp_path)
    store.logs.mkdir()
    store.copy_of(two_drives.database)
    return store


@pytest.fixture
def database(empty_database: Path, tmp_path: Path) -> Path:
    path = tmp_path / "engagement.duckdb"
    shutil.copyfile(empty_database, path)
    return path


@pytest.fixture
def publication(database: Path) -> Iterator[Publication]:
    publication = Publication(database)
    yield publication
    publication.close()
