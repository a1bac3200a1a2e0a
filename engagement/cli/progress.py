"""A progress bar on stderr, for work that takes over a second, if someone is looking."""

from __future__ import annotations

import sys
import time
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

_QUIET_S = 1.0


def _speed_and_time_left() -> tuple[ProgressColumn, ...]:
    return TransferSpeedColumn(), TimeRemainingColumn(), TextColumn("left")


class Bar:
    """A bar of bytes, or of things without bytes; nothing is shown where stderr is no terminal."""

    def __init__(self, noun: str, *, has_bytes: bool = False) -> None:
        columns = (
            SpinnerColumn(),
            BarColumn(),
            TextColumn(f"{{task.fields[n_done]}} of {{task.fields[n_total]}} {noun}"),
            *(_speed_and_time_left() if has_bytes else (TimeElapsedColumn(),)),
        )
        console = Console(stderr=True)
        self._is_wanted = sys.stderr.isatty()
        self._is_shown = False
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("", total=None, n_done=0, n_total="?")
        self._starts_at_s = time.monotonic() + _QUIET_S

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_shown:
            self._progress.stop()

    def show(self, n_done: int, n_total: int, size: int | None = None, total: int = 0) -> None:
        """Move the bar: things done and in all, and how much of their whole size, if it counts."""
        completed, whole = (n_done, n_total) if size is None else (size, total)
        self._progress.update(
            self._task, completed=completed, total=whole, n_done=n_done, n_total=n_total
        )
        if self._is_wanted and not self._is_shown and time.monotonic() > self._starts_at_s:
            self._is_shown = True
            self._progress.start()
