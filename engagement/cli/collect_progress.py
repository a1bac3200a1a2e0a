"""A bar for each device on stderr, while logs come, if someone is looking."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from engagement.formats import text

if TYPE_CHECKING:
    from engagement.collect.report import Progress as Seen


class DeviceBars:
    """Bars of bytes; threads may move them at the same time."""

    def __init__(self) -> None:
        self._is_wanted = sys.stderr.isatty()
        self._progress = Progress(
            TextColumn("{task.fields[host]}", markup=False),
            BarColumn(),
            TextColumn("{task.fields[n_done]} of {task.fields[n_total]} logs"),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[file]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        if self._is_wanted:
            self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_wanted:
            self._progress.stop()

    def show(self, seen: Seen) -> None:
        """Move a device's bar."""
        if not self._is_wanted:
            return
        with self._lock:
            if seen.host not in self._tasks:
                self._tasks[seen.host] = self._progress.add_task(
                    "", host=text(seen.host), n_done=0, n_total=0, file=""
                )
        self._progress.update(
            self._tasks[seen.host],
            completed=seen.done_bytes,
            total=seen.total_bytes,
            n_done=seen.n_done,
            n_total=seen.n_total,
            file=text(seen.file),
        )
