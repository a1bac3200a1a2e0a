"""Names of devices, drives, segments and log files: text in, values out, no file is touched.

A *drive* is one run of openpilot, stored as segments of about a minute. Its log id is the local
time of the start (`2023-11-05--10-20-30`), or since 2024 a counter with a random tail
(`0000002a--0123456789`). Copies of a log keep its identity in their path, in many spellings:

    <dongle>/<drive>--<n>/rlog.zst      as collected; the dongle folder may be missing
    <dongle>|<drive>--<n>/rlog.zst      `_` or `%7C` also stand for `|`
    <dongle>/<drive>/<n>/rlog.zst       `|`, `_` and `%7C` too; the dongle may be missing
    <dongle>|<drive>--<n>--rlog.zst     one flat file; the dongle may be missing, or be the folder
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import PurePath

_DONGLE = r"[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{8})?"
_TIME = r"([0-9]{4})-([0-9]{2})-([0-9]{2})--([0-9]{2})-([0-9]{2})-([0-9]{2})"
_COUNTER = r"[0-9a-f]{8}--[a-z0-9]{10}"
_NUMBER = r"[0-9]{1,6}"
MAX_SEGMENT_NUM = 999_999
_FILE = r"(?P<kind>[rq]log)(?:\.(?:bz2|zst))?"
_ROUTE = rf"(?:(?P<dongle>{_DONGLE})[|_])?(?P<drive>{_TIME}|{_COUNTER})"
_SEGMENT = rf"{_ROUTE}--(?P<number>{_NUMBER})"

_DONGLE_PATTERN = re.compile(_DONGLE)
_TIME_PATTERN = re.compile(_TIME)
_COUNTER_PATTERN = re.compile(_COUNTER)
_NUMBER_PATTERN = re.compile(_NUMBER)
_ROUTE_PATTERN = re.compile(_ROUTE)
_SEGMENT_PATTERN = re.compile(_SEGMENT)
_FLAT_PATTERN = re.compile(rf"{_SEGMENT}--{_FILE}")
_FILE_PATTERN = re.compile(_FILE)


@dataclass(frozen=True, slots=True)
class LogName:
    """What a log's path says about it; None where it says nothing.

    Attributes:
        dongle_id: The device, 8 or 16 hex digits in lower case.
        drive: The log id, 20 characters.
        segment_num: Number of the segment in its drive, from 0.
        log_kind: `rlog` (everything), `qlog` (decimated), or empty when the name does not say.
    """

    dongle_id: str | None = None
    drive: str | None = None
    segment_num: int | None = None
    log_kind: str = ""


def parse_dongle_id(text: str) -> str | None:
    """Return the dongle id in lower case, or None when the text isn't one."""
    return text.lower() if _DONGLE_PATTERN.fullmatch(text) else None


def starting_so(text: str, known: Iterable[str]) -> list[str]:
    """Return the name that the text is, else all that start so in lower case, in order."""
    names = sorted(known)
    for whole in (text, text.lower()):
        if whole in names:
            return [whole]
    return [name for name in names if name.startswith(text.lower())]


def is_drive(text: str) -> bool:
    """Say whether the text is a log id: a time that exists, or a counter with its tail."""
    return bool(_COUNTER_PATTERN.fullmatch(text)) or drive_started_at(text) is not None


def drive_started_at(drive: str) -> datetime | None:
    """Return the device's local time in the drive's name, None if it holds no such time.

    The device's clock may have been wrong, and its time zone isn't in the name.
    """
    match = _TIME_PATTERN.fullmatch(drive)
    if match is None:
        return None
    try:
        return datetime(*map(int, match.groups()))  # type: ignore[arg-type]  # noqa: DTZ001
    except ValueError:
        return None


def route_name(dongle_id: str, drive: str) -> str:
    """Return the identifier that openpilot's own tools use: `dongle|log id`."""
    return f"{dongle_id}|{drive}"


def parse_log_path(path: PurePath) -> LogName | None:
    """Return what the path's last four components say; None if the file isn't named like a log.

    A file `rlog` or `qlog` (also .bz2, .zst) in a folder that names no segment gives its kind only.
    """
    *folders, file = _last_components(path)
    flat = _FLAT_PATTERN.fullmatch(file)
    if flat is not None:
        return _segment(flat, flat["number"], folders[-1], flat["kind"])
    plain = _FILE_PATTERN.fullmatch(file)
    if plain is None:
        return None
    return _segment_of_folders(folders, plain["kind"])


def parse_any_path(path: PurePath) -> LogName:
    """Return what the path says of a file that is known to be a log, however it is named."""
    return parse_log_path(path) or _segment_of_folders(_last_components(path)[:-1], "")


def _last_components(path: PurePath) -> list[str]:
    """Return the last four components, empty strings where there are fewer."""
    names = [name.replace("%7C", "|").replace("%7c", "|") for name in path.parts[-4:]]
    return [""] * (4 - len(names)) + names


def _segment_of_folders(folders: list[str], log_kind: str) -> LogName:
    """Name a log by the three folders that lead to it, outermost first."""
    match = _SEGMENT_PATTERN.fullmatch(folders[2])
    if match is not None:
        name = _segment(match, match["number"], folders[1], log_kind)
        return name or LogName(log_kind=log_kind)
    match = _ROUTE_PATTERN.fullmatch(folders[1])
    if match is not None and _NUMBER_PATTERN.fullmatch(folders[2]):
        name = _segment(match, folders[2], folders[0], log_kind)
        return name or LogName(log_kind=log_kind)
    return LogName(log_kind=log_kind)


def _segment(route: re.Match[str], number: str, above: str, log_kind: str) -> LogName | None:
    """Name a segment; None if its drive is a time that does not exist.

    `above` is the folder around, which may be the dongle's when the route does not tell it.
    """
    if not is_drive(route["drive"]):
        return None
    dongle_id = parse_dongle_id(route["dongle"] or above)
    return LogName(dongle_id, route["drive"], int(number), log_kind)
