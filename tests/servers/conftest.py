from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.servers.collecting import DONGLE_ID, DRIVE, is_kept_secret, log_of
from tests.servers.stand_in import Route, StandIn, run_stand_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[StandIn]:
    """A server, and a home folder without tokens."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OPENPILOT_PREFIX", raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with run_stand_in() as found:
        yield found


@pytest.fixture
def route(server: StandIn) -> Route:
    """A route of three segments with qlogs, of which one has an rlog and a video."""
    files = {number: {"qlog.bz2": log_of(number)} for number in range(3)}
    files[1] |= {"rlog.bz2": log_of(100), "qcamera.ts": b"video", "fcamera.hevc": b"large"}
    return server.add(Route(DONGLE_ID, DRIVE, files))


@pytest.fixture
def no_secret_leaves(server: StandIn) -> Iterator[None]:
    yield
    assert is_kept_secret(server)
