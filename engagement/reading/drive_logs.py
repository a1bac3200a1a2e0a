"""The logs of one drive, found by the paths that a user names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engagement.errors import InputError
from engagement.logs.find import find_logs

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engagement.logs.find import Found, LogFile


def find_drive_logs(paths: Sequence[Path]) -> tuple[list[LogFile], Found]:
    """The logs of one drive by segment, an rlog in the stead of its qlog; and all that was found.

    Raises:
        InputError: If there are none, or those of several drives.
    """
    found = find_logs(paths)
    if found.missing:
        raise InputError(f"{found.missing[0]}: there is no such file or folder")
    if not found.logs:
        raise InputError(f"{paths[0]}: there is no log in it")
    drives = sorted({log.name.drive or "" for log in found.logs})
    if len(drives) > 1:
        raise InputError(
            f"these are logs of {len(drives)} drives, {drives[0]} and {drives[1]} among them; "
            "name those of one"
        )
    return _best_of_segments(found.logs), found


def _best_of_segments(logs: list[LogFile]) -> list[LogFile]:
    """The first of each segment, which is the rlog; logs that name none are all kept."""
    best: dict[object, LogFile] = {}
    for log in logs:
        number = log.name.segment_num
        best.setdefault(log.path if number is None else number, log)
    return list(best.values())
