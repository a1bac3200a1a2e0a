"""Errors of one log, or of the command that sends it."""

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
    """A log that has changed since it was listed."""


class GoneError(RemoteError):
    """A log that is no longer there."""


class InTheWayError(RemoteError):
    """Another file is in the place of a log, or of its folder."""


class KilledError(ConnectionLostError):
    """A command was killed, as by a device that shuts down."""


def check_end(host: str, answer: Answer) -> None:
    """Check that a command was not killed.

    Raises:
        KilledError: If not.
    """
    if answer.status < 0 or answer.status >= FIRST_FATAL_STATUS:
        raise KilledError(host, f"a command was ended there: {answer.problem}")
