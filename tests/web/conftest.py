"""Simulated drives behind a real server, and a real browser that looks at it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from playwright.sync_api import sync_playwright

from engagement.extract.dbc import load_signal_specs
from engagement.extract.profiles import load_profile
from engagement.extract.segment import ReadOptions
from engagement.legacy.imports import import_files
from engagement.simulate.drives import write_drive
from engagement.simulate.fleet import BUSY, plan_drives
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page, Request

# What a log or a file may hold, and no page may run.
HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>\'&amp;'

LEGACY = Path(__file__).parent.parent / "data" / "legacy"

_SERVE = "from engagement.cli.group import main; main()"
_CHROMIUM_OPTIONS = (
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def exact(value) -> str:
    """A value as the pages carry it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, float) else str(value)


@pytest.fixture(scope="session")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight simulated drives, one of them with names that are markup, and an imported one."""
    folder = tmp_path_factory.mktemp("web")
    for number, drive in enumerate(plan_drives(8, calm=BUSY)):
        planned = drive
        if number == 2:
            era = replace(drive.era, git_branch=HOSTILE, version=HOSTILE)
            car = replace(drive.car, fingerprint=HOSTILE)
            planned = replace(drive, era=era, car=car, params={HOSTILE: HOSTILE})
        for _ in write_drive(folder / "rlogs", planned):
            pass
    path = folder / "engagement.duckdb"
    profile = load_profile(profiles_file=None, name="demo", cwd=folder)
    read = ReadOptions(specs=load_signal_specs(profile), profile=profile.name)
    ingest([folder / "rlogs"], path, IngestOptions(read=read, jobs=1))
    entry = json.loads((LEGACY / "engagement_db.json").read_text())[0]
    entry |= {"car_fingerprint": HOSTILE, "git_branch": HOSTILE, "version": HOSTILE}
    old = folder / "engagement_db.json"
    old.write_text(json.dumps([entry]))
    import_files(path, [old])
    return path


@pytest.fixture(scope="session")
def reader(database: Path) -> Iterator[Reader]:
    """What the database says without the pages."""
    with Reader(database) as reader:
        yield reader


@pytest.fixture(scope="session")
def site(database: Path) -> Iterator[str]:
    """The address of a server of its own process."""
    with serving(database) as address:
        yield address


@contextmanager
def serving(database: Path, *options: str) -> Iterator[str]:
    """Serve a database; yields the address."""
    command = [sys.executable, "-c", _SERVE, "serve", "--port", "0", "--rate", "0", *options]
    environment = {key: text for key, text in os.environ.items() if "COV" not in key}
    with subprocess.Popen(
        [*command, "--db", str(database)], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            line = process.stderr.readline()
            yield re.search(r"http://[^/]+", line)[0]
        finally:
            process.terminate()
            process.stderr.read()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(
            executable_path=path, args=list(_CHROMIUM_OPTIONS), timeout=60_000
        )


@dataclass
class Visit:
    """A page in the browser, and what went wrong on it."""

    page: Page
    problems: list[str] = field(default_factory=list)

    def values(self, where: str) -> dict[str, str]:
        """The whole values of the columns that are shown there; of each the first."""
        return self.page.locator(where).first.evaluate(
            """place => Object.fromEntries([...place.querySelectorAll("[data-column]")].reverse()
                .map(found => [found.dataset.column, found.dataset.value]))"""
        )

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )


@pytest.fixture
def visit(browser: Browser, site: str) -> Iterator[Callable[..., Visit]]:
    """Open pages; at the end none may have had an error or asked another host for anything."""
    visits = []
    with ExitStack() as stack:

        def open_page(path: str, **options: Any) -> Visit:
            context = stack.enter_context(browser.new_context(**options))
            context.set_default_timeout(15_000)
            found = Visit(context.new_page())
            visits.append(found)
            _watch(found, site)
            found.page.goto(site + path, wait_until="load")
            return found

        yield open_page
        for found in visits:
            assert found.problems == []


def _watch(visit: Visit, site: str) -> None:
    page, problems = visit.page, visit.problems
    page.on("console", lambda said: problems.append(said.text) if said.type != "log" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("requestfailed", lambda request: problems.extend(_failure(request)))
    page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith(f"{site}/") else problems.append(f"to: {request.url}")
        ),
    )


def _failure(request: Request) -> list[str]:
    """The browser itself gives up a video's range when another place is wanted,
    and what a live page is asking for when the page is left."""
    is_given_up = request.failure == "net::ERR_ABORTED"
    is_own = request.resource_type in ("media", "fetch")
    return [] if is_given_up and is_own else [f"failed: {request.url}"]


@pytest.fixture(scope="module")
def drive(reader):
    """The drive with the most events."""
    [row] = reader.rows(
        "from drives where not is_imported order by n_interventions desc, drive_id limit 1"
    )
    return row


@pytest.fixture(scope="module")
def event(reader):
    [row] = reader.rows(
        "from events where cause = 'driver_brake' order by severity desc, event_id limit 1"
    )
    return row


@pytest.fixture(scope="module")
def hostile(reader):
    [row] = reader.rows("from drives where git_branch = ? and not is_imported", [HOSTILE])
    return row


@pytest.fixture(scope="module")
def addresses(reader, drive, event):
    versions = reader.rows("select distinct version from drives order by version desc limit 2")
    a, b = (quote(row["version"], safe="") for row in versions)
    return {
        "overview": "/",
        "device": f"/?device={drive['dongle_id']}",
        "dates": "/?since=2023-01-01&until=2024-12-31",
        "drives": "/drives",
        "events": "/events",
        "no events": "/events?label=unsure&is_critical=true&min_severity=0.5",
        "drive": f"/drive/{quote(drive['route_name'])}",
        "imported": "/drive/0123abcd%7C2025-07-30--08-00-00",
        "event": f"/event/{quote(event['event_id'], safe='')}",
        "compare": f"/compare?by=version&a={a}&b={b}",
        "groups": "/compare?by=car",
        "rates": "/rates?by=model&also=night&mode=assisted",
        "places": "/places",
        "quality": "/quality",
        "glossary": "/glossary",
    }
