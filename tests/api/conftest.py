"""A database of simulated drives, and clients of servers over it."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.api.settings import Settings
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BASE_URL = "http://127.0.0.1"


@pytest.fixture(scope="session")
def reader(database: Path) -> Iterator[Reader]:
    """What the database says without the server."""
    with Reader(database) as reader:
        yield reader


@pytest.fixture
def serve(database: Path) -> Iterator[Callable[..., TestClient[Any]]]:
    """Start a server of the database, or of another one, with settings of its own."""
    with ExitStack() as stack:

        def serve(path: Path = database, **settings: Any) -> TestClient[Any]:
            app = create_app(path, settings=Settings(**settings))
            return stack.enter_context(TestClient(app, base_url=BASE_URL))

        yield serve


@pytest.fixture(scope="session")
def client(database: Path) -> Iterator[TestClient[Any]]:
    """A server as it is by default, but for the limit of requests."""
    app = create_app(database, settings=Settings(requests_per_s=0))
    with TestClient(app, base_url=BASE_URL) as client:
        yield client
