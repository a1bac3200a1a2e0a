"""The content of one file of a server, from any byte on; no token is sent with it."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from engagement.collect.arrival import DamagedError, arrival_of
from engagement.collect.faults import ChangedError, GoneError
from engagement.errors import ConnectionLostError, RemoteError
from engagement.servers.api import DeniedError, retry_after_s, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engagement.collect.remote_log import RemoteLog
    from engagement.servers.client import Client

_PIECE_BYTES = 1 << 18
_MAX_REDIRECTS = 3
MAX_FILE_BYTES = 2 << 30  # a minute's rlog has about 20 MB
_RANGE = re.compile(r"bytes ([0-9]{1,15})-[0-9]{1,15}/([0-9]{1,15})")
_CODECS = {".bz2": "bz2", ".zst": "zst"}
_TRY_AGAIN = {408, 409, 425, 429, 500, 502, 503, 504}
_NO_SUCH_RANGE = 416


class ShorterError(ChangedError):
    """The file has fewer bytes than came of it."""


class WaitError(ConnectionLostError):
    """The server asks to come back later; `wait_s` says when, if it does."""

    def __init__(self, host: str, problem: str, wait_s: float | None) -> None:
        super().__init__(host, problem)
        self.wait_s = wait_s


@dataclass(slots=True)
class Download:
    """A file whose bytes come; a source of `collect.transfer.fetch`.

    Attributes:
        size_bytes: Of the whole file.
        mtime_ns: Of the file, as the server says; None if it does not.
        offset: The byte that comes first.
    """

    host: str
    size_bytes: int
    mtime_ns: int | None
    offset: int
    _response: httpx.Response

    def is_ready_for(self, log: RemoteLog) -> bool:  # noqa: ARG002 - it is the only one
        """Whether this log comes next."""
        return True

    def read(self, log: RemoteLog, offset: int) -> Iterator[bytes]:
        """Yield the file from a byte on, which is not before the first that comes.

        Raises:
            ChangedError: If it does not come from there on.
            ConnectionLostError: If the connection is cut.
        """
        skipped = offset - self.offset
        if skipped < 0:
            raise ChangedError(self.host, f"{log.path!r}: comes from byte {self.offset} on")
        try:
            for piece in self._response.iter_raw():
                if skipped < len(piece):
                    yield piece[skipped:]
                skipped = max(0, skipped - len(piece))
        except httpx.HTTPError as error:
            raise ConnectionLostError(self.host, said(error)) from error

    def sha256(self, log: RemoteLog) -> str:
        """Servers don't tell it.

        Raises:
            RemoteError: Always.
        """
        raise RemoteError(self.host, f"{log.path!r}: the server tells no SHA-256")


@contextmanager
def open_download(client: Client, url: str, host: str, *, offset: int) -> Iterator[Download]:
    """Ask for a file from a byte on.

    The download may begin before that byte, where a server takes no ranges.

    Raises:
        DeniedError: If the address is no longer good.
        GoneError: If there is no such file.
        ConnectionLostError: If the server can't be reached, asks to wait, or does not say how long
            the file is.
        RemoteError: If it refuses.
    """
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        with _answered(client, url, host, headers) as response:
            if response.status_code == _NO_SUCH_RANGE:
                raise ShorterError(host, "it is shorter than what came of it")
            _check(response, host)
            yield _understood(response, host)
    except httpx.HTTPError as error:
        raise ConnectionLostError(host, said(error)) from error


@contextmanager
def _answered(
    client: Client, url: str, host: str, headers: dict[str, str]
) -> Iterator[httpx.Response]:
    """The answer, after redirects to addresses that are as safe."""
    for _ in range(_MAX_REDIRECTS + 1):
        with client.stream("GET", url, headers=headers) as response:
            if not response.is_redirect:
                yield response
                return
            here = response.request.url
            try:
                there = here.join(response.headers.get("location", ""))
            except httpx.InvalidURL as error:
                raise RemoteError(host, "it redirects to an invalid address") from error
            is_same = (there.scheme, there.host) == (here.scheme, here.host)
            if there.scheme != "https" and not is_same:
                raise RemoteError(host, f"it redirects to {there.host!r} without https")
            url = str(there)
    raise RemoteError(host, "it redirects in circles")


def _check(response: httpx.Response, host: str) -> None:
    """Raise what a status means, unless it is good."""
    status = response.status_code
    if status in (200, 206):
        return
    if status in (401, 403):
        raise DeniedError(host, f"its address does not open it ({status})")
    if status in (404, 410):
        raise GoneError(host, f"it is gone ({status})")
    if status in _TRY_AGAIN:
        wait_s = retry_after_s(response.headers)
        words = f"; it asks to wait {wait_s:.0f} s" if wait_s else ""
        raise WaitError(host, f"the server has a problem ({status}){words}", wait_s)
    raise RemoteError(host, f"the server refuses it ({status})")


def _understood(response: httpx.Response, host: str) -> Download:
    headers = response.headers
    length = headers.get("content-length", "")
    offset, size_bytes = 0, int(length) if re.fullmatch(r"[0-9]{1,15}", length) else None
    if headers.get("content-encoding", "identity") != "identity":
        raise RemoteError(host, "it comes in an encoding that was not asked for")
    if response.status_code == 206:  # noqa: PLR2004 - a part of it
        found = _RANGE.fullmatch(headers.get("content-range", ""))
        if found is None:
            raise RemoteError(host, "the server sends a part without saying which")
        offset, size_bytes = int(found[1]), int(found[2])
    if size_bytes is None:
        # Perhaps it is what an answer before had too much of: another connection may be better.
        raise ConnectionLostError(host, "the server does not say how long it is")
    if size_bytes > MAX_FILE_BYTES:
        raise RemoteError(host, f"it has {size_bytes} bytes, which no log of a minute has")
    return Download(host, size_bytes, _mtime_ns(headers), offset, response)


def _mtime_ns(headers: httpx.Headers) -> int | None:
    try:
        time = parsedate_to_datetime(headers.get("last-modified", ""))
        return int(time.timestamp()) * 10**9
    except (ValueError, TypeError, OverflowError):
        return None


def has_whole_end(file: int, suffix: str) -> bool:
    """Whether a compressed file can be decompressed to its end; others have no mark of it.

    Args:
        file: A descriptor of it; its position is moved.
        suffix: `.bz2`, `.zst` or another.
    """
    codec = _CODECS.get(suffix)
    if codec is None:
        return True
    os.lseek(file, 0, os.SEEK_SET)
    arrival = arrival_of(codec)
    try:
        while piece := os.read(file, _PIECE_BYTES):
            for _ in arrival.feed(piece, MAX_FILE_BYTES):
                pass
            if arrival.n_bytes > MAX_FILE_BYTES:
                return False
    except DamagedError:
        return False
    return arrival.is_whole
