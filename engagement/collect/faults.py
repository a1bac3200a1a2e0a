"""What may be wrong with one log, or with the command that sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.errors import ConnectionLostError, RemoteError

if TYPE_CHECKING:
    from engagement.collect.connection import Answer

FIRST_FATAL_STATUS = 128
"""And above: a command that was ended by a signal."""


class BusyError(RemoteError):
    """Another collect is bringing the same file."""


class ChangedError(RemoteError):
    """A log that is not what it was when it was listed."""


class GoneError(RemoteError):
    """A log that is no longer there."""


class InTheWayError(RemoteError):
    """Something here has the place of a log, or of its folder."""


class KilledError(ConnectionLostError):
    """A command was ended from outside, as by a device that shuts down."""


def check_end(host: str, answer: Answer) -> None:
    """Look whether a command came to its own end.

    Raises:
        KilledError: If not.
    """
    if answer.status < 0 or answer.status >= FIRST_FATAL_STATUS:
        raise KilledError(host, f"a command was ended there: {answer.problem}")
