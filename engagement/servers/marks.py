"""What a server says of routes beside their logs: bookmarks, and which it preserves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import msgspec

from engagement.errors import ConfigError, RemoteError
from engagement.server_marks import (
    MAX_BOOKMARKS,
    Bookmark,
    Marks,
    MonoNs,
    marks_name,
    read_marks,
    write_marks,
)
from engagement.servers.api import said

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.servers.client import Client
    from engagement.servers.routes import Route

_MAX_BYTES = 8 << 20  # of a segment's events
_OK = 200
_BOOKMARKS = {"user_flag", "user_bookmark"}


class _Event(msgspec.Struct):
    type: str
    time: MonoNs | None = None


def keep_marks(client: Client, route: Route, segments: set[int], folder: Path) -> None:
    """Keep what a server says of a route in the device's folder here, if that is something new.

    Args:
        client: Asks for the events.
        route: As the server told of it last.
        segments: Those whose events are to be asked for.
        folder: Of the device.

    Raises:
        RemoteError: If the events can't be had or understood; the rest is kept.
        OSError: If the file can't be written.
    """
    path = folder / marks_name(route.drive)
    try:
        before = read_marks(path)
    except ConfigError:  # it is written anew
        before = None
    told: list[Bookmark] = []
    asked: set[int] = set()
    try:
        for number in sorted(segments) if route.url else ():
            told += _bookmarks(client, route, number)
            asked.add(number)
    finally:
        known = before or Marks()
        after = known.with_segments(asked, told, is_preserved=route.is_preserved)
        if after != known:
            write_marks(path, after)


def _bookmarks(client: Client, route: Route, segment_num: int) -> list[Bookmark]:
    """The bookmarks in a segment's events; none where the server has no such file."""
    text = _events_text(client, f"{route.url}/{segment_num}/events.json", route.name)
    if not text:
        return []
    try:
        events = msgspec.json.decode(text, type=list[_Event])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        problem = f"the events of segment {segment_num} can't be understood: {error}"
        raise RemoteError(route.name, problem) from error
    times = (one.time for one in events if one.type in _BOOKMARKS)
    return [Bookmark(segment_num, time) for time in times if time is not None][:MAX_BOOKMARKS]


def _events_text(client: Client, url: str, name: str) -> bytes:
    """What is at an address; no token goes there, and whatever is no file is none."""
    text = bytearray()
    try:
        with client.stream("GET", url) as response:
            if response.status_code != _OK:
                return b""
            for piece in response.iter_bytes():
                text += piece
                if len(text) > _MAX_BYTES:
                    raise RemoteError(name, f"events of over {_MAX_BYTES >> 20} MB")
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        problem = said(error) if isinstance(error, httpx.HTTPError) else "an invalid address"
        raise RemoteError(name, f"its events: {problem}") from error
    return bytes(text)
