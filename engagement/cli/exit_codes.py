"""What the exit status of `engagement` says."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Each status, and what it tells the caller."""

    OK = 0
    """Everything was done."""

    FAILED = 1
    """Something else: no such device, view or column, a full disk, or a check that failed."""

    USAGE = 2
    """The command, an option, a query or a file of settings is wrong; nothing was done."""

    LOGS = 3
    """Some logs could not be read, or a given path does not exist; the others were ingested."""

    DATABASE = 4
    """The database is missing, can't be read, or another process writes to it."""

    TOO_FEW = 5
    """The drives are too few to judge a condition of `compare --fail-if`."""

    NOT_COMPARABLE = 6
    """A condition is not judged, as both groups were driven at different speeds."""

    INTERRUPTED = 130
    """Ctrl-C; the database holds what was last published."""
