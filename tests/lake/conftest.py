"""Lakes to try things on: each its own copy of one that was made once."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from engagement.errors import LakeExtraError
from engagement.lake.catalog import make_lake
from engagement.store.lake_file import load_extensions
from engagement.store.reader import new_instance
from tests.lake.lakes import SETTINGS, LakeStore
from tests.store.stores import Store

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def empty_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a lake without drives; what needs it is skipped without the extra `fleet`."""
    with new_instance() as connection:
        try:
            load_extensions(connection)
        except LakeExtraError as error:
            pytest.skip(f"{error} (`make test-fleet`)")
    folder = tmp_path_factory.mktemp("empty_lake")
    (folder / "lake.toml").write_text(SETTINGS)
    make_lake(folder / "lake.toml")
    return folder


@pytest.fixture
def lake(tmp_path: Path, empty_lake: Path) -> LakeStore:
    """A lake without drives, and an empty folder of logs."""
    folder = tmp_path / "lake"
    shutil.copytree(empty_lake, folder)
    store = LakeStore(folder)
    store.logs.mkdir()
    return store


@pytest.fixture
def single(tmp_path: Path) -> Store:
    """A database of one file beside it, which is not there yet."""
    folder = tmp_path / "single"
    folder.mkdir()
    return Store(folder)
