"""One client with 300 connections of slow queries, and what another's answers take meanwhile.

The other asks from another address of the loopback, for the server's health, a static file, a page
that it has asked for before and pages that it has not: first alone, then beside the greedy one.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import multiprocessing
import re
import time
from statistics import median
from typing import TYPE_CHECKING

from bench.corpus import OUT
from bench.output import print_table
from bench.serving import server_of
from engagement.extract.segment import ReadOptions
from engagement.simulate import simulate
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench.runs import Setting

_N_CONNECTIONS = 300
_LOADED_S = 25.0
_LOADED_QUICK_S = 8.0
_QUIET_S = 8.0
_FIRST_S = 1.5  # of the greedy client alone
_OTHER = "127.0.0.2"
_HEAD = ("", "alone ms", "beside ms", "longest ms", "times")
_NUMBERS = itertools.count()


def run(setting: Setting) -> None:
    """Print the medians of each kind of answer, alone and beside a greedy client."""
    loaded_s = _LOADED_QUICK_S if setting.is_quick else _LOADED_S
    database = _database()
    with server_of(database) as server:
        port = server.port
        asked = _asked(port)
        _measure(port, asked, 3.0)
        for number in range(1 if setting.is_quick else 3):
            alone = _measure(port, asked, _QUIET_S)
            greedy = multiprocessing.Process(
                target=_ask_greedily, args=(port, loaded_s + _FIRST_S, number)
            )
            greedy.start()
            time.sleep(_FIRST_S)
            beside = _measure(port, asked, loaded_s)
            greedy.join()
            rows = [
                (
                    kind,
                    f"{median(alone[kind]):.2f}",
                    f"{median(beside[kind]):.2f}",
                    f"{max(beside[kind]):.0f}",
                    f"{median(beside[kind]) / median(alone[kind]):.1f}",
                )
                for kind in asked
            ]
            print_table(f"run {number + 1}, {loaded_s:g} s", _HEAD, rows)


def _database() -> Path:
    path = OUT / "starving.duckdb"
    for _ in simulate(OUT / "starving", drives=8):
        pass
    ingest([OUT / "starving"], path, IngestOptions(ReadOptions()))
    return path


def _asked(port: int) -> dict[str, Callable[[], str]]:
    """Addresses of each kind."""
    page = _get(port, "/drives")[1].decode()
    style = re.findall(r'href="(/static/[^"]+\.css[^"]*)"', page)[0]
    drive = re.findall(r'href="(/drive/[^"?]+)"', page)[0]

    def unknown() -> str:
        number = next(_NUMBERS)
        return f"/drives?since={1000 + number % 900}-{number // 900 % 12 + 1:02}-01"

    return {
        "health": lambda: "/health",
        "static file": lambda: style,
        "page asked for before": lambda: drive,
        "new page": unknown,
    }


def _measure(
    port: int, asked: dict[str, Callable[[], str]], seconds: float
) -> dict[str, list[float]]:
    """Milliseconds of each answer, one after the other."""
    found: dict[str, list[float]] = {kind: [] for kind in asked}
    ends_s = time.monotonic() + seconds
    connection = http.client.HTTPConnection("127.0.0.1", port, source_address=(_OTHER, 0))
    while time.monotonic() < ends_s:
        for kind, address in asked.items():
            started_s = time.perf_counter()
            connection.request("GET", address())
            response = connection.getresponse()
            response.read()
            found[kind].append((time.perf_counter() - started_s) * 1000)
            if response.status != http.HTTPStatus.OK:
                raise RuntimeError(f"{kind}: {response.status}")
            time.sleep(0.01)
    connection.close()
    return found


def _get(port: int, path: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, source_address=(_OTHER, 0))
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read()


def _ask_greedily(port: int, seconds: float, seed: int) -> None:
    async def ask(number: int, ends_s: float) -> None:
        for turn in itertools.count():
            if time.monotonic() > ends_s:
                return
            year, month, day = 1900 + seed, number % 12 + 1, turn % 28 + 1
            until = f"{2000 + number // 12}-01-01"
            path = f"/api/v1/rates?since={year}-{month:02}-{day:02}&until={until}"
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(f"GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())
                line = await asyncio.wait_for(reader.readline(), ends_s - time.monotonic() + 0.1)
                writer.close()
            except (OSError, TimeoutError):
                line = b""
            if b" 200 " not in line:
                await asyncio.sleep(1.0)

    async def ask_all() -> None:
        ends_s = time.monotonic() + seconds
        await asyncio.gather(*(ask(number, ends_s) for number in range(_N_CONNECTIONS)))

    asyncio.run(ask_all())
