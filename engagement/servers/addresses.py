"""What people paste to name logs on a server: text in, an address out.

    connect                                    every device of the account
    connect:DONGLE                             one device
    DONGLE|DRIVE  DONGLE/DRIVE                 a route; `_` and `%7C` also stand for `|`
    ROUTE/3  ROUTE--3  ROUTE/0:4  ROUTE/-1     some of its segments, by the rules of Python's slices
    ROUTE/0:4/q                                their qlogs; `r` rlogs, `a` both
    https://connect.comma.ai/DONGLE/DRIVE/60/180    as a browser shows it: seconds of the route
    https://connect.comma.ai/DONGLE/1690000000000/1690000600000    older: milliseconds since 1970
    connect.comma.ai/DONGLE/DRIVE/60/180       the same without https://

The forms are those of openpilot's tools and of comma connect. Everything else is a host for SSH.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from engagement.errors import InputError
from engagement.names import is_drive, route_name

if TYPE_CHECKING:
    from collections.abc import Iterable

_SEGMENT_S = 60
_NUMBER = re.compile(r"[0-9]{1,15}")  # milliseconds since 1970 have 13 digits
_DONGLE = r"[0-9a-f]{16}"
_ROUTE = (
    rf"(?P<dongle>{_DONGLE})[|_/](?P<drive>[0-9]{{4}}(?:-[0-9]{{2}}){{2}}--[0-9]{{2}}(?:-[0-9]{{2}}){{2}}"
    r"|[0-9a-f]{8}--[a-z0-9]{10})"
)
_RANGE = r"(?P<range>-?[0-9]{1,6}|(?:-?[0-9]{1,6})?:(?:-?[0-9]{1,6})?(?::[0-9]{1,6})?)"
_ROUTE_PATTERN = re.compile(rf"{_ROUTE}(?:(?:/|--){_RANGE})?(?:/(?P<selector>[a-z]))?/?")
_LOOKS_LIKE_ROUTE = re.compile(r"[0-9A-Fa-f]{16}[|_/].*")
_CONNECT = re.compile(r"connect(?::(?P<dongle>.*))?")
_BARE_LINK = re.compile(rf"[a-z0-9-]+(?:\.[a-z0-9-]+)+/{_DONGLE}(?:[|_/]|%7c|$)", re.IGNORECASE)
_KINDS = {"q": "qlog", "r": "rlog", "a": "both"}


@dataclass(frozen=True, slots=True)
class Address:
    """Logs on a server.

    Attributes:
        text: As the user wrote it; messages name it.
        dongle_id: The device; None for all of the account.
        drive: The log id; None for all of the device.
        segments: Of the drive, by the rules of Python's slices; None for all.
        kind: `rlog`, `qlog` or `both`, where the address says it.
        window_ms: Drives begin between these milliseconds since 1970.
        site: The host of a pasted address.
    """

    text: str
    dongle_id: str | None = None
    drive: str | None = None
    segments: slice | None = None
    kind: str | None = None
    window_ms: tuple[int, int] | None = None
    site: str | None = None

    @property
    def route(self) -> str | None:
        """The route's name, if it is one."""
        return route_name(self.dongle_id, self.drive) if self.dongle_id and self.drive else None

    @property
    def has_open_end(self) -> bool:
        """Whether the number of the route's segments has to be known."""
        found = self.segments
        if found is None:
            return False
        return found.stop is None or found.stop < 0 or (found.start or 0) < 0

    def admits(self, segment_num: int, n_segments: int) -> bool:
        """Whether a segment is meant, of a route of so many."""
        if self.segments is None:
            return True
        n = n_segments if self.has_open_end else self.segments.stop
        return segment_num in range(n)[self.segments]


def parse_address(text: str) -> Address | None:
    """Find out which logs on a server a text names; None if it is no such address.

    Raises:
        InputError: If it looks like an address and is none.
    """
    text = text.strip()
    connect = _CONNECT.fullmatch(text)
    if connect:
        return _device(text, connect["dongle"])
    if "://" in text:
        return _link(text)
    if _BARE_LINK.match(text):  # as browsers show it
        return replace(_link(f"https://{text}"), text=text)
    name = text.replace("%7C", "|").replace("%7c", "|")
    if not _LOOKS_LIKE_ROUTE.fullmatch(name):
        return None
    return _route(text, name)


def parse_list(lines: Iterable[str]) -> list[str]:
    """The addresses of a list: one a line, empty ones and comments after `#` left out."""
    found = (line.partition("#")[0].strip() for line in lines)
    return [line for line in found if line]


def _device(text: str, dongle_id: str | None) -> Address:
    if dongle_id is None:
        return Address(text)
    if not re.fullmatch(_DONGLE, dongle_id.lower()):
        raise InputError(f"{text!r}: a dongle id has 16 hex digits, as in connect:0123456789abcdef")
    return Address(text, dongle_id.lower())


def _route(text: str, name: str, site: str | None = None) -> Address:
    match = _ROUTE_PATTERN.fullmatch(name.replace(name[:16], name[:16].lower(), 1))
    if match is None or not is_drive(match["drive"]):
        raise InputError(
            f"{text!r} is no route; write it like 0123456789abcdef|2025-07-31--10-20-30, "
            "with /0:4 behind it for some of its segments"
        )
    if match["selector"] and match["selector"] not in _KINDS:
        raise InputError(f"{text!r}: the logs are r (rlog), q (qlog) or a (both)")
    kind = _KINDS.get(match["selector"] or "")
    segments = _slice(text, match["range"]) if match["range"] else None
    return Address(text, match["dongle"], match["drive"], segments, kind, site=site)


def _slice(text: str, found: str) -> slice:
    """The segments that a range means: a number is one, and an end is excluded."""
    if ":" not in found:
        first = int(found)
        return slice(first, None if first == -1 else first + 1)
    numbers = [int(part) if part else None for part in found.split(":")]
    if len(numbers) > 2 and numbers[2] == 0:  # noqa: PLR2004 - start, end, step
        raise InputError(f"{text!r}: a step of 0 leads nowhere")
    return slice(*numbers)


def _link(text: str) -> Address:
    """The address of a page of comma connect, or of a site like it."""
    try:
        parts = urlsplit(text)
        site = parts.hostname
    except ValueError:
        parts, site = urlsplit(""), None
    words = [unquote(word) for word in parts.path.split("/") if word]
    if parts.scheme not in ("http", "https") or not site or not words:
        raise InputError(f"{text!r} is no address of a drive")
    if "|" in words[0] or "_" in words[0]:
        return _route(text, "/".join(words), site)
    dongle_id = words[0].lower()
    if not re.fullmatch(_DONGLE, dongle_id):
        raise InputError(f"{text!r}: what follows the host is no dongle id of 16 hex digits")
    if len(words) == 1:
        return Address(text, dongle_id, site=site)
    if is_drive(words[1]):
        segments = _seconds(text, words[2:])
        return Address(text, dongle_id, words[1], segments, site=site)
    first, last = _two_numbers(text, words[1:])
    return Address(text, dongle_id, window_ms=(first, last), site=site)


def _seconds(text: str, words: list[str]) -> slice | None:
    """The segments between two times of a route, in seconds; both ends count."""
    if not words:
        return None
    first, last = _two_numbers(text, words)
    return slice(first // _SEGMENT_S, last // _SEGMENT_S + 1)


def _two_numbers(text: str, words: list[str]) -> tuple[int, int]:
    numbers = [int(word) for word in words if _NUMBER.fullmatch(word)]
    if len(words) != 2 or len(numbers) != 2 or numbers[0] > numbers[1]:  # noqa: PLR2004
        raise InputError(f"{text!r}: a start and an end should follow")
    return numbers[0], numbers[1]
