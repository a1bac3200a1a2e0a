"""Asks a device, through its server, to upload rlogs; nothing else is changed on either."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import msgspec

from engagement.errors import RemoteError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engagement.servers.api import Api
    from engagement.servers.routes import Route

_DAYS = 7
_DAY_S = 86_400
_NAMES = ("rlog.zst", "rlog.bz2")  # the version of the device decides which of them it has
_AT_ONCE = 100  # segments of one request


class _Place(msgspec.Struct):
    url: str
    headers: dict[str, str] = {}


class _Answer(msgspec.Struct):
    result: Any = None
    error: Any = None


def request_rlogs(api: Api, route: Route, segments: Sequence[int]) -> bool:
    """Ask the device of a route for the rlogs of some segments.

    Returns:
        Whether the device is offline: it uploads them when it is online again, within a week.

    Raises:
        RemoteError: If the server does not offer that, or refuses.
    """
    if not api.server.devices:
        raise RemoteError(api.server.name, "it is not known where it takes requests for devices")
    is_offline = False
    for begin in range(0, len(segments), _AT_ONCE):
        some = segments[begin : begin + _AT_ONCE]
        is_offline |= _request(api, route, [f"{route.drive}--{n}" for n in some])
    return is_offline


def _request(api: Api, route: Route, names: Sequence[str]) -> bool:
    paths = [f"{name}/{file}" for name in names for file in _NAMES]
    url = f"{api.server.api}/v1/{route.dongle_id}/upload_urls/"
    places = api.post(url, {"paths": paths, "expiry_days": _DAYS}, list[_Place])
    if len(places) != len(paths):
        raise RemoteError(api.server.name, f"{len(places)} places for {len(paths)} files")
    files = [
        {
            "fn": path,
            "url": place.url,
            "headers": place.headers,
            "allow_cellular": False,
            "priority": 99,
        }
        for path, place in zip(paths, places, strict=True)
    ]
    document = {
        "id": 0,
        "jsonrpc": "2.0",
        "method": "uploadFilesToUrls",
        "params": {"files_data": files},
        "expiry": int(time.time()) + _DAYS * _DAY_S,  # without it, a device that is off forgets
    }
    answer = api.post(api.server.devices.replace("{dongle_id}", route.dongle_id), document, _Answer)
    if answer.error is not None:
        raise RemoteError(api.server.name, f"the device refuses: {str(answer.error)[:200]}")
    return isinstance(answer.result, str)
