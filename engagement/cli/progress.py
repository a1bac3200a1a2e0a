"""A progress bar on stderr, for work that takes over a second, if someone is looking."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from rich.progress import Progress

_QUIET_S = 1.0


class Bar:
    """A bar of bytes, or of things without bytes; nothing is shown where stderr is no terminal."""

    def __init__(self, noun: str, *, has_bytes: bool = False) -> None:
        self._noun = noun
        self._has_bytes = has_bytes
        self._is_wanted = sys.stderr.isatty()
        self._starts_at_s = time.monotonic() + _QUIET_S
        self._progress: Progress | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._progress:
            self._progress.stop()

    def show(self, n_done: int, n_total: int, size: int | None = None, total: int = 0) -> None:
        """Move the bar: things done and in all, and how much of their whole size, if it counts."""
        if not self._is_wanted or time.monotonic() < self._starts_at_s:
            return
        if self._progress is None:
            self._progress = _started(self._noun, has_bytes=self._has_bytes)
        completed, whole = (n_done, n_total) if size is None else (size, total)
        [task] = self._progress.task_ids
        self._progress.update(
            task, completed=completed, total=whole, n_done=n_done, n_total=n_total
        )


def _started(noun: str, *, has_bytes: bool) -> Progress:
    from rich import progress  # noqa: PLC0415 - most work is done before a bar is shown
    from rich.console import Console  # noqa: PLC0415

    ends = (
        (
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
            progress.TextColumn("left"),
        )
        if has_bytes
        else (progress.TimeElapsedColumn(),)
    )
    columns = (
        progress.SpinnerColumn(),
        progress.BarColumn(),
        progress.TextColumn(f"{{task.fields[n_done]}} of {{task.fields[n_total]}} {noun}"),
        *ends,
    )
    made = progress.Progress(*columns, console=Console(stderr=True), transient=True)
    made.add_task("", total=None, n_done=0, n_total="?")
    made.start()
    return made
