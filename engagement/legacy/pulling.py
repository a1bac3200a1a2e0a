"""Drives fetched from a server that hands them out page by page, after a cursor.

A page is imported before the cursor is noted: whatever breaks off, the next run goes on from there,
and a drive that comes twice is the same drive. A page with anything wrong in it is refused whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import msgspec

from engagement.collect.pace import Patience, Stop
from engagement.errors import ConfigError, RemoteError
from engagement.files import replacing
from engagement.legacy.imports import old_drive
from engagement.legacy.json_files import checked_drive
from engagement.servers.api import Api
from engagement.servers.client import Client
from engagement.servers.known import Server, checked_url
from engagement.store.imported_entries import import_entries

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.servers.tokens import Token
    from engagement.store.imported_entries import OldDrive

MAX_PAGE = 500
_TIMEOUT_S = 30.0

_Cursor = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Item(msgspec.Struct, frozen=True):
    cursor: _Cursor
    stats: dict[str, Any]


class _Page(msgspec.Struct, frozen=True):
    items: list[_Item]
    has_more: bool


class _Noted(msgspec.Struct, frozen=True):
    cursor: _Cursor


@dataclass(slots=True)
class PullReport:
    """What was fetched.

    Attributes:
        n_pages: Pages with drives.
        n_drives: Drives on them.
        n_drives_written: Those that were new, or differ from what was there.
        cursor: Where the next run goes on.
    """

    n_pages: int = 0
    n_drives: int = 0
    n_drives_written: int = 0
    cursor: int = 0


def pull(
    database: Path,
    url: str,
    token: Token | None,
    cursor_file: Path,
    *,
    page_size: int = 100,
    patience: Patience | None = None,
) -> PullReport:
    """Import what a server has after the cursor of a file, which may be missing at first.

    Raises:
        InputError: If the address is none, or not safe.
        ConfigError: If the file of the cursor holds none.
        RemoteError: If the server can't be reached, refuses, or sends a page that does not hold.
        StoreError: If the database can't be written.
        OSError: If the cursor can't be noted.
    """
    base, _, name = checked_url(url).rpartition("/")
    server = Server(urlsplit(url).hostname or url, base)
    report = PullReport(cursor=_read_cursor(cursor_file))
    client = Client(_TIMEOUT_S, 1)
    api = Api(server, token, client, patience or Patience(), Stop(), scheme="Bearer")
    try:
        while True:
            page = api.get(name, _Page, after=report.cursor, limit=page_size)
            drives = _drives(page, report.cursor, server.name)
            if drives:
                counts = import_entries(database, drives, [])
                report.n_pages += 1
                report.n_drives += len(drives)
                report.n_drives_written += counts.n_drives_written
                report.cursor = page.items[-1].cursor
                with replacing(cursor_file) as file:
                    file.write(json.dumps({"cursor": report.cursor}).encode())
            if not page.has_more:
                return report
    finally:
        client.end()


def _drives(page: _Page, after: int, server: str) -> list[OldDrive]:
    """The drives of a page, each once.

    Raises:
        RemoteError: If the page does not hold.
    """
    if page.has_more and not page.items:
        raise RemoteError(server, "it says that there is more, and sends nothing")
    found = {}
    for number, item in enumerate(page.items, start=1):
        if item.cursor <= after:
            problem = f"its cursors don't rise: {item.cursor} comes after {after}"
            raise RemoteError(server, problem)
        after = item.cursor
        try:
            checked_drive(server, number, item.stats)
            drive = old_drive(server, item.stats)
        except ConfigError as error:
            problem = f"a page does not hold: {error.where}: {error.problem}"
            raise RemoteError(server, problem) from error
        found[drive.dongle_id, drive.drive] = drive
    return list(found.values())


def _read_cursor(path: Path) -> int:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Noted).cursor
    except FileNotFoundError:
        return 0
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(path, f"holds no cursor: {error}") from error
    except OSError as error:
        raise ConfigError(path, f"can't be read: {error.strerror}") from error
