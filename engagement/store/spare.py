"""A DuckDB instance in memory, made before it is wanted: that takes as long as opening a file."""

from __future__ import annotations

import threading

import duckdb

_AFTER_S = 0.5  # when a new generation's first answers have been given


class Spare:
    """Gives a connection to a fresh instance, and makes the next one when there is time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._timer: threading.Timer | None = None

    def take(self) -> duckdb.DuckDBPyConnection:
        """A connection that nobody else has; whoever takes it closes it."""
        with self._lock:
            taken, self._connection = self._connection, None
            if self._timer is None:
                self._timer = threading.Timer(_AFTER_S, self._make)
                self._timer.daemon = True
                self._timer.start()
        return taken or duckdb.connect()

    def close(self) -> None:
        """Let go of what was made."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _make(self) -> None:
        made = duckdb.connect()
        with self._lock:
            if self._timer is None or self._connection is not None:  # closed meanwhile
                made.close()
                return
            self._connection, self._timer = made, None
