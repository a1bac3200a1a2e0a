"""The logs that a command reads by itself, past the database: those of one drive, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.cli import render
from engagement.errors import InputError, LogError
from engagement.extract.frames import open_log, read_fingerprint
from engagement.logs.find import find_logs

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
    found = find_logs(paths)
    if found.missing:
        raise InputError(f"{found.missing[0]}: there is no such file or folder")
    for path, reason in found.unreadable:
        render.note(f"can't be read: {path}: {reason}")
    for path in found.locked:
        render.note(f"still being written: {path}")
    if not found.logs:
        raise InputError(f"{paths[0]}: there is no log in it")
    drives = sorted({log.name.drive or "" for log in found.logs})
    if len(drives) > 1:
        raise InputError(
            f"these are logs of {len(drives)} drives, {drives[0]} and {drives[1]} among them; "
            "name those of one"
        )
    return _best_of_segments(found.logs)


def _best_of_segments(logs: list[LogFile]) -> list[LogFile]:
    """The first of each segment, which is the rlog; logs that name none are all kept."""
    best: dict[object, LogFile] = {}
    for log in logs:
        number = log.name.segment_num
        best.setdefault(log.path if number is None else number, log)
    return list(best.values())


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
