"""What a server says of devices, routes and their files; nothing of it is trusted."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

import msgspec

from engagement.collect.remote_log import RemoteLog, parse_remote_path
from engagement.errors import RemoteError
from engagement.names import MAX_SEGMENT_NUM, is_drive, parse_dongle_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engagement.servers.api import Api

_PAGE = 100  # routes
_MAX_ROUTES = 100_000  # of a device: thirty years of ten drives a day
_SEGMENT_NS = 60 * 10**9
_DONGLE_LENGTH = 16


class _Device(msgspec.Struct):
    dongle_id: str
    alias: str | None = None


class _Route(msgspec.Struct):
    fullname: str
    create_time: float | None = None
    start_time: str | None = None
    maxqlog: int | None = None
    is_preserved: bool | None = None
    url: str | None = None


class _Files(msgspec.Struct):
    logs: list[str] = []
    qlogs: list[str] = []
    qcameras: list[str] = []


@dataclass(frozen=True, slots=True)
class Route:
    """A route of a server.

    Attributes:
        dongle_id: Of its device.
        drive: Its log id.
        n_segments: How many have a qlog there, at most; 0 where it does not say.
        created_at_s: When the server learned of it, seconds since 1970; 0 where it does not say.
        started_at_utc: When it began, if it says so.
        is_preserved: Whether somebody had it preserved there.
        url: What it derived from the logs is below this; empty where it does not say.
    """

    dongle_id: str
    drive: str
    n_segments: int
    created_at_s: float
    started_at_utc: datetime | None
    is_preserved: bool = False
    url: str = ""

    @property
    def name(self) -> str:
        """As openpilot's tools write it."""
        return f"{self.dongle_id}|{self.drive}"

    @property
    def begins_at_ns(self) -> int:
        """When it began, or the server learned of it, in nanoseconds since 1970."""
        if self.started_at_utc:
            return int(self.started_at_utc.timestamp()) * 10**9
        return int(self.created_at_s) * 10**9

    def log(self, segment_num: int, kind: str, suffix: str) -> RemoteLog:
        """A log of it, of which neither size nor time are known yet."""
        path = f"{self.name}/{segment_num}/{kind}{suffix}"
        time_ns = self.begins_at_ns + segment_num * _SEGMENT_NS
        return RemoteLog(
            path, self.dongle_id, self.drive, segment_num, kind, suffix, 0, time_ns
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A log on a server, and the address that opens it for a while."""

    log: RemoteLog
    url: str


def list_devices(api: Api) -> list[str]:
    """The dongle ids of all devices of the account, sorted."""
    found = api.get("v1/me/devices/", list[_Device])
    names = {parse_dongle_id(device.dongle_id) for device in found}
    return sorted(name for name in names if name and len(name) == _DONGLE_LENGTH)


def list_routes(api: Api, dongle_id: str) -> Iterator[Route]:
    """All routes of a device that the server lists, newest first."""
    seen: set[str] = set()
    before: dict[str, int] = {}
    while len(seen) < _MAX_ROUTES:
        page = api.get(f"v1/devices/{dongle_id}/routes", list[_Route], limit=_PAGE, **before)
        routes = [_checked(found, dongle_id, api.server.api) for found in page]
        fresh = [route for route in routes if route.drive not in seen]
        seen.update(route.drive for route in fresh)
        yield from fresh
        if len(page) < _PAGE or not routes:
            return
        oldest = int(min(route.created_at_s for route in routes))
        # Several routes may have the time of the last one, so it is asked for once more.
        later = {"created_before": oldest + 1 if fresh else oldest}
        if later == before:
            return
        before = later


def read_route(api: Api, name: str) -> Route:
    """One route, by its name."""
    found = api.get(f"v1/route/{quote(name, safe='')}/", _Route)
    route = _checked(found, name[:_DONGLE_LENGTH], api.server.api)
    if route.name != name:
        raise RemoteError(api.server.name, f"asked for {name}, it tells of {route.name}")
    return route


def list_files(api: Api, route: Route) -> list[FoundLog]:
    """The files of a route, oldest segment first; only those that are named as files of it."""
    files = api.get(f"v1/route/{quote(route.name, safe='')}/files", _Files)
    found: dict[str, FoundLog] = {}
    for url in (*files.logs, *files.qlogs, *files.qcameras):
        log = _log_of(route, url)
        if log and _is_safe(url, api.server.api):
            found.setdefault(log.name, FoundLog(log, url))
    return sorted(found.values(), key=lambda one: (one.log.segment_num, one.log.kind))


def _checked(found: _Route, dongle_id: str, api_url: str) -> Route:
    """A route whose names and numbers can be what they should be.

    Raises:
        RemoteError: If not.
    """
    device, _, drive = found.fullname.replace("/", "|").partition("|")
    if device != dongle_id or not is_drive(drive):
        raise RemoteError(dongle_id, f"the server calls a route {found.fullname!r}")
    n_segments = min(
        max((found.maxqlog if found.maxqlog is not None else -1) + 1, 0), MAX_SEGMENT_NUM
    )
    created_at_s = found.create_time or 0.0
    if not math.isfinite(created_at_s) or not 0 <= created_at_s < 1 << 33:
        created_at_s = 0.0
    return Route(
        device,
        drive,
        n_segments,
        created_at_s,
        _parse_time(found.start_time),
        bool(found.is_preserved),
        _derived_url(found.url or "", api_url),
    )


def _derived_url(url: str, api_url: str) -> str:
    """The address that is derived from, empty if it is not as safe as the server's own."""
    try:
        parts = urlsplit(url)
        is_plain = not (parts.query or parts.fragment or parts.username)
    except ValueError:
        return ""
    return url.rstrip("/") if parts.hostname and is_plain and _is_safe(url, api_url) else ""


def _parse_time(text: str | None) -> datetime | None:
    """A time as the server writes it, which is UTC where it names no zone."""
    try:
        found = datetime.fromisoformat(text or "")
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _log_of(route: Route, url: str) -> RemoteLog | None:
    """The log that an address ends with, if it is one of the route."""
    path = PurePosixPath(unquote(urlsplit(url).path))
    found = parse_remote_path(path)
    if found is None:
        return None
    name, kind = found
    if name.segment_num is None or (name.dongle_id, name.drive) != (route.dongle_id, route.drive):
        return None
    return route.log(name.segment_num, kind, path.suffix)


def _is_safe(url: str, api_url: str) -> bool:
    """Whether an address is as safe as the server's own."""
    scheme = urlsplit(url).scheme
    return scheme == "https" or scheme == urlsplit(api_url).scheme
