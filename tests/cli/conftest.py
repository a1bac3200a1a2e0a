"""A small database of simulated drives, and a way to run commands on it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from engagement.cli import main
from tests.support.terminal import shown_in_terminal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("ENGAGEMENT") or name in ("COLUMNS", "FORCE_COLOR", "NO_COLOR"):
            monkeypatch.delenv(name)


@pytest.fixture
def run(database: Path) -> Callable[..., Result]:
    """Run a command on the database."""

    def run(*args: Any, **options: Any) -> Result:
        words = [str(arg) for arg in args]
        return CliRunner().invoke(main, ["--db", str(database), *words], **options)

    return run


@pytest.fixture
def shown(database: Path) -> Callable[..., str]:
    """What a terminal shows of a command on the database."""

    def shown(*args: Any, **options: Any) -> str:
        return shown_in_terminal("--db", database, *args, **options)

    return shown


@pytest.fixture
def run_alone() -> Callable[..., Result]:
    """Run a command as typed, in an empty folder."""

    def run_alone(*args: Any, **options: Any) -> Result:
        return CliRunner().invoke(main, [str(arg) for arg in args], **options)

    return run_alone
