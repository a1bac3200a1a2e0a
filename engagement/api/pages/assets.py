"""Scripts and styles: our own, and those of libraries that `make web` fetched.

They are read and compressed once. An address has the file's hash, so a browser asks for it once and
never again; Litestar's static files know no hashes, and are read for each request.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litestar import Request, Response, get
from litestar.params import FromPath

from engagement.api.answers import takes_gzip
from engagement.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

_FOLDER = Path(__file__).parent.parent
_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_HASH_LETTERS = 12
_PLOTS = "vendor/uplot/uPlot.iife.min.js"
_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, plain and compressed."""

    url: str
    media_type: str
    body: bytes
    packed: bytes

    @property
    def version(self) -> str:
        """A hash of the content."""
        return sha256(self.body).hexdigest()[:_HASH_LETTERS]


@cache
def assets() -> Mapping[str, Asset]:
    """Every file there is, by its address."""
    found = {}
    for folder in ("static", "vendor"):
        for path in sorted(_FOLDER.joinpath(folder).rglob("*")):
            if path.suffix in _MEDIA_TYPES and path.is_file():
                url = f"/{path.relative_to(_FOLDER).as_posix()}"
                body = path.read_bytes()
                packed = gzip.compress(body, mtime=0)
                found[url] = Asset(url, _MEDIA_TYPES[path.suffix], body, packed)
    return found


def asset_url(url: str) -> str:
    """The address to use in pages; empty if the file was not fetched, as in a bare checkout."""
    found = assets().get(url)
    return f"{url}?v={found.version}" if found else ""


def has_plots() -> bool:
    """Whether there is the library that draws plots."""
    return (_FOLDER / _PLOTS).is_file()


@get("/static/{name:path}", sync_to_thread=False)
def get_static(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """Send one of the pages' own files."""
    return _send(request, f"/static{name}")


@get("/vendor/{name:path}", sync_to_thread=False)
def get_vendor(request: Request[Any, Any, Any], name: FromPath[str]) -> Response[bytes]:
    """Send a file of another project."""
    return _send(request, f"/vendor{name}")


@get("/favicon.ico", sync_to_thread=False)
def get_favicon(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Send the icon to browsers that ignore the page's link to it."""
    return _send(request, "/static/icon.svg")


def _send(request: Request[Any, Any, Any], url: str) -> Response[bytes]:
    found = assets().get(url)
    if found is None:
        raise NotFoundError("file", url)
    is_named = request.url.query == f"v={found.version}"
    headers = {
        "cache-control": _YEAR if is_named else "public, max-age=300",
        "vary": "accept-encoding",
    }
    if not takes_gzip(request):
        return Response(found.body, media_type=found.media_type, headers=headers)
    headers["content-encoding"] = "gzip"
    return Response(found.packed, media_type=found.media_type, headers=headers)
