"""A limit of time for what a DuckDB cursor does."""

from __future__ import annotations

import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator


_AGAIN_S = 0.05


@contextmanager
def interrupted_after(
    cursor: duckdb.DuckDBPyConnection, limit_s: float
) -> Iterator[threading.Event]:
    """Stop what the cursor does when the time is up; yields whether it was.

    An interrupt that comes before a statement begins is lost on it, so there is more than one.
    """
    is_late, is_over = threading.Event(), threading.Event()

    def watch() -> None:
        if is_over.wait(limit_s):
            return
        is_late.set()
        while not is_over.is_set():
            with suppress(duckdb.Error):  # it has just ended
                cursor.interrupt()
            is_over.wait(_AGAIN_S)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield is_late
    finally:
        is_over.set()
