"""An in-memory DuckDB instance that is made in advance: that takes as long as opening a file."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from engagement.store.reader import new_instance

if TYPE_CHECKING:
    import duckdb

_AFTER_S = 0.5  # after the first answers of a new generation


class Spare:
    """Gives a connection to a new instance, and makes the next one a little later."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._timer: threading.Timer | None = None

    def take(self) -> duckdb.DuckDBPyConnection:
        """A connection that the caller owns and closes."""
        with self._lock:
            taken, self._connection = self._connection, None
            if self._timer is None:
                # No daemon: the interpreter would end it inside DuckDB, and so abort the process.
                self._timer = threading.Timer(_AFTER_S, self._make)
                self._timer.start()
        return taken or new_instance()

    def close(self) -> None:
        """Close the instance that was made in advance."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _make(self) -> None:
        made = new_instance()
        with self._lock:
            if self._timer is None or self._connection is not None:  # closed meanwhile
                made.close()
                return
            self._connection, self._timer = made, None
