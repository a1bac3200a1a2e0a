"""Names of devices, drives, segments and log files: text in, values out, no file is touched.

A *drive* is one run of openpilot, stored as segments of about a minute. Its log id is the local
time of the start (`2023-11-05--10-20-30`), or since 2024 a counter with a random tail
(`0000002a--0123456789`). Copies of a log keep its identity in their path, in many spellings:

    <dongle>/<drive>--<n>/rlog.zst      as collected; the dongle folder may be missing
    <dongle>|<drive>--<n>/rlog.zst      `_` or `%7C` also stand for `|`
    <dongle>/<drive>/<n>/rlog.zst       `|`, `_` and `%7C` too; the dongle may be missing
    <dongle>|<drive>--<n>--rlog.zst     one flat file; the dongle may be missing, or be the folder
    <dongle>|<drive>--<n>.bz2           the same, where the content tells the kind
    <dongle>/<drive>/<n>--rlog.zst      or `rlog--<n>.zst`: the number in the file's name
    <dongle>/<drive>/<n>.zst            or `seg<n>.zst`, and `log.zst` in a folder with the number

`_` also stands for the `--` before and after a number, `raw_log` for `rlog`, `.zstd` for `.zst`,
and capitals for small letters. What programs add to the name of a copy (` (1)`, ` - Copy`) is not
part of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import PurePath

_DONGLE = r"[0-9A-Fa-f]{8}(?:[0-9A-Fa-f]{8})?"
_TIME = r"([0-9]{4})-([0-9]{2})-([0-9]{2})--([0-9]{2})-([0-9]{2})-([0-9]{2})"
_COUNTER = r"[0-9a-f]{8}--[a-z0-9]{10}"
_NUMBER = r"[0-9]{1,6}"
MAX_SEGMENT_NUM = 999_999
_MAX_ESCAPED = 3
_FULL_LENGTH, _SHORT_LENGTH = 16, 8  # of dongle ids
_BAR = "(?:[|_\\uf07c\\uff5c]|--)"  # file systems that know no bar have others for it
_DASHES = "(?:--|_)"
_KIND = r"(?P<kind>[rq]log|raw[_-]?log)"
_CODEC = r"\.(?:bz2|zstd?)"
_SEG = "(?:(?:segment|seg)[-_ ]?)?"
_ROUTE = rf"(?:(?P<dongle>{_DONGLE}){_BAR})?(?P<drive>{_TIME}|{_COUNTER})"
_SEGMENT = rf"{_ROUTE}{_DASHES}(?P<number>{_NUMBER})"
_ANY_CASE = re.ASCII | re.IGNORECASE

_DONGLE_PATTERN = re.compile(_DONGLE)
_TIME_PATTERN = re.compile(_TIME)
_COUNTER_PATTERN = re.compile(_COUNTER)
_NUMBER_PATTERN = re.compile(_NUMBER)
_ROUTE_PATTERN = re.compile(_ROUTE, _ANY_CASE)
_SEGMENT_PATTERN = re.compile(_SEGMENT, _ANY_CASE)
_FLAT_PATTERN = re.compile(rf"{_SEGMENT}(?:{_DASHES}{_KIND}(?:{_CODEC})?|{_CODEC})", _ANY_CASE)
_FILE_PATTERN = re.compile(
    rf"(?:{_SEG}(?P<before>{_NUMBER}){_DASHES})?{_KIND}(?:{_DASHES}(?P<after>{_NUMBER}))?"
    rf"(?:{_CODEC})?",
    _ANY_CASE,
)
_BARE_PATTERN = re.compile(rf"(?:{_SEG}(?P<number>{_NUMBER})|log){_CODEC}", _ANY_CASE)
_COPY_MARK = (
    r"(?: ?\([0-9]{1,3}\)| ?\[[0-9]{1,3}\]| ?\((?:[^\W_]+ )?[^\W\d_]+(?: [0-9]{1,3})?\)"
    r"| - [^\W\d_]+(?: \([0-9]{1,3}\))?| copy(?: [0-9]{1,3})?)"
)
_COPY_PATTERN = re.compile(
    rf"(?:copy (?:\([0-9]{{1,3}}\) )?of )?(?P<stem>.+?){_COPY_MARK}{{0,3}}"
    rf"(?:(?P<codec>{_CODEC})(?:{_COPY_MARK}|\.[0-9]{{1,3}})?)?",
    re.IGNORECASE,
)
_ARCHIVE = r".*\.(?:bz2|zstd?|gz|xz|zip|7z|tar|lz4)\b"
_LOOKS_LIKE_LOG = re.compile(
    rf"(?<![a-z])(?:[rq]log|raw[_-]?log)(?![a-z])"
    rf"|(?:{_TIME}|{_COUNTER}){_DASHES}{_NUMBER}(?![0-9]){_ARCHIVE}|^log{_CODEC}",
    _ANY_CASE,
)
_ARCHIVE_PATTERN = re.compile(_ARCHIVE, _ANY_CASE)
_BESIDE_LOGS = (".lock", ".md5", ".sha1", ".sha256", ".sha512", ".txt", ".json", ".csv", ".py")


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


def full_dongle_ids(
    known: Iterable[str], aliases: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Which of some dongle ids are short names of others, and of which one, where that is certain.

    A short name has the last 8 characters of the full id, or, where none ends so, the first 8.
    Aliases, old names with the device that each leads to, come with their devices.
    """
    aliases = aliases or {}
    names = sorted({*known, *aliases, *aliases.values()})
    full_ids = [name for name in names if len(name) == _FULL_LENGTH and parse_dongle_id(name)]
    found = {}
    for short in (name for name in names if len(name) == _SHORT_LENGTH and parse_dongle_id(name)):
        alike = [name for name in full_ids if name.endswith(short)]
        alike = alike or [name for name in full_ids if name.startswith(short)]
        devices = {aliases.get(name, name) for name in alike} - {short}
        if len(devices) == 1 and short not in aliases:
            found[short] = devices.pop()
    return found | {old: found.get(new, new) for old, new in aliases.items()}


def is_short_for(short: str | None, full: str | None) -> bool:
    """Whether a dongle id is the last or first 8 characters of a full one."""
    return bool(short and full) and short in short_dongle_ids(full or "")


def short_dongle_ids(full: str) -> tuple[str, ...]:
    """The names that older systems give the device of a full dongle id, the usual one first."""
    return (full[-_SHORT_LENGTH:], full[:_SHORT_LENGTH]) if len(full) == _FULL_LENGTH else ()


def other_dongle_ids(dongle_id: str, aliases: Mapping[str, str]) -> tuple[str, ...]:
    """What else folders may call a device: short names first, then what was joined with it."""
    device = aliases.get(dongle_id, dongle_id)
    joined = (device, *(old for old, new in aliases.items() if new == device))
    names = [name for one in (dongle_id, *joined) for name in (*short_dongle_ids(one), one)]
    return tuple(name for name in dict.fromkeys(names) if name != dongle_id)


def starting_so(text: str, known: Iterable[str]) -> list[str]:
    """Return the name that the text is, else all that start so in lower case, in order.

    Else the devices that the text is the short name of.
    """
    names = sorted(known)
    for whole in (text, text.lower()):
        if whole in names:
            return [whole]
    found = [name for name in names if name.startswith(text.lower())]
    return found or [name for name in names if is_short_for(text.lower(), name)]


def is_drive(text: str) -> bool:
    """Say whether the text is a log id: a time that exists, or a counter with its tail."""
    return bool(_COUNTER_PATTERN.fullmatch(text)) or drive_started_at(text) is not None


def parse_drive(text: str) -> str | None:
    """Return the log id that is the text, or that ends a route's name; None when there is none."""
    drive = unquote(text).replace("|", "/").rpartition("/")[2].lower()
    return drive if is_drive(drive) else None


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
    A compressed file that says no kind is a log where its path names a segment.
    """
    *folders, file = _last_components(path)
    flat = _FLAT_PATTERN.fullmatch(file)
    if flat is not None:
        return _segment(flat, flat["number"], folders[-1], _log_kind(flat["kind"]))
    bare = _BARE_PATTERN.fullmatch(file)
    if bare is not None:
        found = _segment_of_folders(folders, "", bare["number"] or "")
        says_so = bare["number"] is None or found.segment_num == int(bare["number"])
        return found if says_so and found.drive else None
    plain = _FILE_PATTERN.fullmatch(file)
    if plain is None or (plain["before"] and plain["after"]):
        return None
    number = plain["before"] or plain["after"] or ""
    return _segment_of_folders(folders, _log_kind(plain["kind"]), number)


def parse_any_path(path: PurePath) -> LogName:
    """Return what the path says of a file that is known to be a log, however it is named."""
    return parse_log_path(path) or _segment_of_folders(_last_components(path)[:-1], "")


def looks_like_log(path: PurePath) -> bool:
    """Say whether people may take a file for a log by its path, although it is named like none."""
    *_, above, folder, file = _last_components(path)
    if file.lower().endswith(_BESIDE_LOGS):
        return False
    if _LOOKS_LIKE_LOG.search(path.name) or _LOOKS_LIKE_LOG.search(file):
        return True
    is_of_drive = _ROUTE_PATTERN.fullmatch(folder) or _SEGMENT_PATTERN.fullmatch(folder)
    is_numbered = _NUMBER_PATTERN.fullmatch(folder) and _ROUTE_PATTERN.fullmatch(above)
    return bool((is_of_drive or is_numbered) and _ARCHIVE_PATTERN.match(file))


def _last_components(path: PurePath) -> list[str]:
    """Return the last four components, empty strings where there are fewer."""
    names = [name for part in path.parts[-4:] for name in _unescaped(part).split("/")][-4:]
    return [""] * (4 - len(names)) + [_without_copy_mark(name) for name in names]


def _unescaped(part: str) -> str:
    """A component without the escapes of URLs, which some programs escape once more."""
    for _ in range(_MAX_ESCAPED):
        part = unquote(part)
    return part


def _without_copy_mark(name: str) -> str:
    match = _COPY_PATTERN.fullmatch(name)
    return match["stem"] + (match["codec"] or "") if match else name


def _log_kind(text: str | None) -> str:
    """Return `rlog`, `qlog` or nothing; rlogs were called raw logs."""
    return {"q": "qlog", "r": "rlog"}.get((text or "")[:1].lower(), "")


def _segment_of_folders(folders: list[str], log_kind: str, number: str = "") -> LogName:
    """Name a log by the three folders that lead to it, outermost first, and its file's number."""
    nameless = LogName(log_kind=log_kind)
    match = _SEGMENT_PATTERN.fullmatch(folders[2])
    if match is not None:
        return _segment(match, match["number"], folders[1], log_kind) or nameless
    match = _ROUTE_PATTERN.fullmatch(folders[2])
    if match is not None and number:
        return _segment(match, number, folders[1], log_kind) or nameless
    match = _ROUTE_PATTERN.fullmatch(folders[1])
    if match is not None and _NUMBER_PATTERN.fullmatch(folders[2]):
        return _segment(match, folders[2], folders[0], log_kind) or nameless
    return nameless


def _segment(route: re.Match[str], number: str, above: str, log_kind: str) -> LogName | None:
    """Name a segment; None if its drive is a time that does not exist.

    `above` is the folder around, which may be the dongle's when the route does not tell it.
    """
    drive = route["drive"].lower()
    if not is_drive(drive):
        return None
    dongle_id = parse_dongle_id(route["dongle"] or above)
    return LogName(dongle_id, drive, int(number), log_kind)
