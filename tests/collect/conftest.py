"""Fixtures: an SSH server, and a home folder that leads to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.collect.devices import FakeDevice, make_device
from tests.collect.sshd import Server, run_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    yield from run_server(tmp_path_factory.mktemp("sshd"))


@pytest.fixture
def server(running_server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    """The server, known, and nothing of the machine's own keys and settings."""
    monkeypatch.setenv("HOME", str(running_server.home))
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    running_server.config_file.write_text("")
    running_server.add_alias("device")
    running_server.write_known_hosts()
    return running_server


@pytest.fixture
def device(tmp_path: Path) -> FakeDevice:
    return make_device(tmp_path / "device")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where logs shall go."""
    return tmp_path / "rlogs"
