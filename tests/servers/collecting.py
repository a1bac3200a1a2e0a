"""What collects from the stand-in of a server, and what is to come from it."""

from __future__ import annotations

import bz2
import random
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from engagement.collect.collect_options import CollectOptions
from engagement.collect.collector import run_jobs
from engagement.collect.connection import Timeouts
from engagement.collect.pace import Patience, Rate, Stop
from engagement.collect.plan import WantedLogs
from engagement.filters import Selection
from engagement.servers.addresses import parse_address
from engagement.servers.collector import Collection, ServerOptions, ServerSource
from engagement.servers.known import Server
from engagement.servers.tokens import Token
from tests.servers.stand_in import TOKEN, Route

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.collect.report import DeviceReport
    from tests.servers.stand_in import StandIn

DONGLE_ID = "0123456789abcdef"
DRIVE = "2025-07-31--10-20-30"
LATER = "0000002a--0123456789"
ROUTE = f"{DONGLE_ID}|{DRIVE}"


def log_of(seed: int, n_bytes: int = 60_000) -> bytes:
    """A compressed file that does not compress."""
    return bz2.compress(random.Random(seed).randbytes(n_bytes))


def collect(
    server: StandIn,
    folder: Path,
    *texts: str,
    kind: Any = "qlog",
    token: str | None = TOKEN,
    stop: Stop | None = None,
    **changes: Any,
) -> DeviceReport:
    """Collect from some addresses; what comes is the first report."""
    stop = stop or Stop()
    wanted = WantedLogs(
        kind,
        Selection.of(**changes.pop("drives", {})),
        with_video=changes.pop("with_video", False),
    )
    asks = ServerOptions(
        request_upload=changes.pop("request_upload", False),
        calls_a_minute=changes.pop("calls_a_minute", 1000),
    )
    options = CollectOptions(
        wanted=wanted,
        timeouts=Timeouts(10, 10, 10),
        patience=Patience(retries=2, first_wait_s=0.01, longest_wait_s=0.02),
    )
    options = replace(options, **changes)
    found = Server("comma", server.api, f"{server.api}/athena/{{dongle_id}}")
    sources = []
    for text in texts or ("connect",):
        address = parse_address(text)
        assert address is not None
        its = Token(token, "auth.json") if token else None
        sources.append(ServerSource(address, found, its))
    rate = Rate(None, stop)
    collection = Collection(folder, options, asks, stop=stop, rate=rate, show=lambda _: None)
    with closing(collection):
        return run_jobs([*collection.jobs(sources)], stop)[0]


def tree(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def expected(route: Route, *names: str) -> dict[str, bytes]:
    return {
        f"{route.dongle_id}/{route.log_id}--{number}/{name}": content
        for number, files in route.files.items()
        for name, content in files.items()
        if name.split(".")[0] in names
    }


def is_kept_secret(server: StandIn) -> bool:
    """Whether the token went to the API alone."""
    others = [one for one in server.requests if one.where != "api"]
    return not any(TOKEN in str(one) for one in others)
