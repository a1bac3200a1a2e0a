"""The documentation's site: whole, found by its search, and asking no other site for anything."""

from __future__ import annotations

import http.server
import os
import re
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
MKDOCS = Path(sys.executable).with_name("mkdocs")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What the site is made of, to be changed."""
    folder = tmp_path / "source"
    shutil.copytree(ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "config", folder / "config")
    for path in (*ROOT.glob("*.md"), ROOT / "mkdocs.yml", ROOT / "LICENSE"):
        shutil.copy(path, folder)
    return folder


def build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(MKDOCS), "build", "--site-dir", str(site)],
        cwd=source, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs") / "site"
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stdout
    return folder


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(site))
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def test_every_page_is_there(site):
    pages = {path.stem for path in ROOT.glob("docs/*.md")} | {"index", "CONTRIBUTING", "SECURITY"}
    assert pages <= {path.stem for path in site.glob("*.html")}


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("README.md", "[gone](docs/gone.md)"),
        ("README.md", "[gone](docs/definitions.md#no-such-words)"),
        ("docs/sync.md", "[gone](../config/gone.toml)"),
        ("docs/sync.md", "![gone](images/gone.png)"),
        ("docs/alone.md", "# A page that no menu has"),
    ],
)
def test_what_leads_nowhere_or_is_in_no_menu_fails(source, tmp_path, page, text):
    with (source / page).open("a") as file:
        file.write(f"\n{text}\n")
    done = build(source, tmp_path / "site")
    assert done.returncode
    name = text.partition("(")[2].rstrip(")").rpartition("/")[2] or page.rpartition("/")[2]
    assert name in done.stdout


def test_links_between_the_top_folder_and_docs_hold(site):
    for path in site.glob("*.html"):
        if path.name == "404.html":  # its links begin at the root of wherever it is
            continue
        for target in re.findall(r'(?:href|src)="([^"#?]+)', path.read_text(encoding="utf-8")):
            if not re.match(r"\w+:", target):
                assert (path.parent / target).exists(), (path.name, target)


def test_one_search_finds_all_kinds_of_pages_and_asks_no_other_site(served):
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium")
    asked = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        for words, target in (
            ("disengagement", "definitions.html"),
            ("next_cursor", "api.html"),
            ("opendbc", "cars.html"),
            ("fail-if", "cli.html"),
        ):
            page.goto(f"{served}/index.html?q={words}")
            page.locator(f'.md-search-result__link[href*="{target}"]').first.wait_for(
                state="attached", timeout=20_000
            )
        for name in ("definitions", "api", "CHANGELOG"):
            page.goto(f"{served}/{name}.html")
    assert asked
    assert [url for url in asked if not url.startswith((served, "data:"))] == []
