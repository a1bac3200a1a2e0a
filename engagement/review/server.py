"""The dashboard's page of an event: a server that has it, or one started for the time being."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
import webbrowser
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.parse import quote, urlsplit
from urllib.request import OpenerDirector, ProxyHandler, Request, build_opener

from engagement.errors import InputError
from engagement.review.child import Child, ViewerError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

_OF_SHELLS = set(" $`'\";|<>&\\")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_ANSWERS_WITHIN_S = 5.0
_STARTS_WITHIN_S = 30.0
_STEP_S = 0.05
_ADDRESS = re.compile(r" at (http://\S+)/ until")


def page_path(event: Mapping[str, Any]) -> str:
    """The path of an event's page."""
    return f"/event/{quote(event['event_id'], safe='')}"


def check_url(url: str) -> str:
    """A server's URL without the slash at its end.

    Raises:
        InputError: If it is none of HTTP.
    """
    try:
        parts = urlsplit(url)
        is_server = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        is_server = is_server and url.isprintable() and not _OF_SHELLS & set(url)
    except ValueError:  # a port or an address that is none
        is_server = False
    if not is_server:
        raise InputError(f"{url!r} is no URL of a server; write it like http://127.0.0.1:8000")
    return url.rstrip("/")


def has_page(url: str, path: str) -> bool:
    """Whether a server is there and has the page, or asks for a token first."""
    return _status(url, path) in (HTTPStatus.OK, HTTPStatus.UNAUTHORIZED)


def _status(url: str, path: str) -> int | None:
    """What a server says of a page; None where there is none that speaks HTTP."""
    request = Request(url + path, headers={"Accept": "text/html"})  # noqa: S310 - see check_url
    try:
        with _opener(url).open(request, timeout=_ANSWERS_WITHIN_S) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code
    except (OSError, HTTPException, ValueError):
        return None


def show_page(url: str) -> bool:
    """Open a URL in the browser; say whether there is one.

    One that runs in the terminal would take the prompt's place.
    """
    has_display = sys.platform in ("darwin", "win32") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER")
    )
    if not has_display:
        return False
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    # In a process of its own, as browsers write to the terminal that they are started from.
    with suppress(OSError, subprocess.TimeoutExpired):
        subprocess.run(
            [sys.executable, "-P", "-m", "webbrowser", url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_ANSWERS_WITHIN_S,
            check=False,
        )
    return True


def _opener(url: str) -> OpenerDirector:
    """What asks; on this machine no proxy has a say."""
    is_near = urlsplit(url).hostname in _LOOPBACK
    return build_opener(ProxyHandler({})) if is_near else build_opener()


def start_server(database: Path, log: Path) -> tuple[Child, str]:
    """Start a server on a free port of this machine's own address; return it and its URL.

    Raises:
        ViewerError: If it does not start.
    """
    near = ["--host", _LOOPBACK[0], "--port", "0"]
    words = [sys.executable, "-P", "-m", "engagement", "serve", "--db", str(database), *near]
    child = Child(words, log)
    try:
        return child, _address(child)
    except BaseException:
        child.end()
        raise


def _address(child: Child) -> str:
    """The URL that a server says it is at, once it answers there."""
    ends_at_s = time.monotonic() + _STARTS_WITHIN_S
    while time.monotonic() < ends_at_s:
        found = _ADDRESS.search(child.said())
        if found and _status(found[1], "/") is not None:
            return found[1]
        if not child.is_running:
            raise ViewerError("engagement serve", child.problem or "it ended at once")
        time.sleep(_STEP_S)
    raise ViewerError("engagement serve", f"no answer within {_STARTS_WITHIN_S:g} s")
