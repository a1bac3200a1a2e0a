"""The logs that a command reads by itself, past the database: those of one drive, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.cli import render
from engagement.errors import LogError
from engagement.extract.frames import open_log, read_fingerprint
from engagement.reading import drive_logs as reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engagement.logs.find import LogFile
    from engagement.logs.log import Log


def find_drive_logs(paths: Sequence[Path]) -> list[LogFile]:
    """The logs of one drive by segment; an rlog in the stead of the qlog of its segment.

    Raises:
        InputError: If there are none, or those of several drives.
    """
    logs, found = reading.find_drive_logs(paths)
    for path, reason in found.unreadable:
        render.note(f"can't be read: {path}: {reason}")
    for path in found.locked:
        render.note(f"still being written: {path}")
    return logs


def read_each(logs: Sequence[LogFile]) -> Iterator[Log]:
    """The messages of one log after the other; what is damaged, or can't be read, is told.

    Raises:
        LogError: If none of them can be read.
    """
    last: LogError | None = None
    n_read = 0
    for file in logs:
        try:
            with open_log(file.path) as (log, damage):
                if damage:
                    render.note(f"partial: {file.path}: {damage}")
                n_read += 1
                yield log
        except LogError as error:
            render.note(str(error))
            last = error
    if last and not n_read:
        raise last


def read_car(logs: Sequence[LogFile]) -> str | None:
    """The car's fingerprint by the first log that has it, None if none does."""
    for file in logs:
        try:
            with open_log(file.path) as (log, _):
                fingerprint = read_fingerprint(log)
        except LogError:
            continue
        if fingerprint:
            return fingerprint
    return None
