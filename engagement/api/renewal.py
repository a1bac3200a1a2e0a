"""A newer generation answers once its common answers are made.

Else the first requests after a publication would all wait for a file to be opened, and for answers
that were there a moment before. So what was asked for lately is asked of the newer generation
first, one after the other, while the older one still answers: for a moment, which `Settings.lag_s`
limits.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from engagement.api.answers import begin_ahead, end_ahead, recent_addresses
from engagement.api.handlers import AHEAD
from engagement.api.pages.unit_choice import COOKIE, device_units
from engagement.errors import EngagementError
from engagement.store.limits import deadline_for_all

if TYPE_CHECKING:
    from litestar import Litestar
    from litestar.types import ASGIApp, HTTPScope, Message

    from engagement.api.answers import Address
    from engagement.store.serving import Generation, Publication

_LOOK_S = 0.1
_LOOK_AGAIN_S = 1.0  # after a file that can't be used
_PAUSE_S = 0.002  # between two answers: those that are waited for come first
_SHARE_OF_LAG = 0.75
_N_ANSWERS = 400


class Renewal:
    """Prepares the generations of a publication; `handler` answers without middleware."""

    def __init__(self, app: Litestar, handler: ASGIApp, publication: Publication) -> None:
        self._app = app
        self._handler = handler
        self._publication = publication

    async def run(self) -> None:
        """Look for newer generations until cancelled."""
        while True:
            wait_s = _LOOK_S
            try:
                await self._renew()
            except EngagementError:  # which the next request is told
                wait_s = _LOOK_AGAIN_S
            await asyncio.sleep(wait_s)

    async def _renew(self) -> None:
        prepared = await asyncio.to_thread(self._publication.prepare)
        if prepared is None:
            return
        older, newer = prepared.older.generation, prepared.lease.generation
        try:
            await self._answer_ahead(older, newer, prepared.until_s)
        finally:
            end_ahead(newer)
            await asyncio.to_thread(self._publication.switch, prepared)

    async def _answer_ahead(self, older: Generation, newer: Generation, lag_ends_s: float) -> None:
        """Make the answers that the older generation gave last, as far as there is time."""
        begin_ahead(newer)
        ahead = AHEAD.set(newer)
        now_s = time.monotonic()
        until_s = now_s + (lag_ends_s - now_s) * _SHARE_OF_LAG
        try:
            await asyncio.to_thread(device_units, newer)  # for who has chosen none
            for address in recent_addresses(older, _N_ANSWERS):
                left_s = until_s - time.monotonic()
                if left_s <= 0:
                    return
                with deadline_for_all(left_s):
                    await self._ask(address)
                await asyncio.sleep(_PAUSE_S)
        finally:
            AHEAD.reset(ahead)

    async def _ask(self, address: Address) -> None:
        """Ask for an address; its answer is cached, and a failure told to who asks for it again."""
        path, query, variant = address
        units = variant.partition("-")[0]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": [(b"accept-encoding", b"gzip"), (b"cookie", f"{COOKIE}={units}".encode())],
            "client": None,
            "server": None,
            "extensions": {},
            "app": self._app,
            "litestar_app": self._app,
            "state": {},
        }
        with suppress(EngagementError):
            await self._handler(cast("HTTPScope", scope), _receive, _send)


async def _receive() -> Any:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(_message: Message) -> None:
    """Nobody is there to read it."""
