from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.generate import pages
from engagement.cli import main
from tests.support.terminal import on_terminal

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMAND = (sys.executable, "-m", "engagement")


def in_terminal(*arguments: str, columns: int = 100) -> str:
    """What a terminal of that width shows of a command, without colours and trailing blanks."""
    plain = {**os.environ, "NO_COLOR": "1", "TERM": "xterm"}
    status, shown, said = on_terminal((*COMMAND, *arguments), None, plain, columns)
    assert status == 0, said
    return "\n".join(line.rstrip() for line in shown.splitlines()).strip("\n")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    database = str(folder / "engagement.duckdb")
    logs = str(folder / "rlogs")
    subprocess.run((*COMMAND, "demo", "--out", logs), check=True, capture_output=True)
    ingest = (*COMMAND, "ingest", logs, "--db", database, "--profile", "demo")
    subprocess.run(ingest, check=True, capture_output=True)
    return database


def test_readme_shows_what_the_demo_prints(demo):
    assert in_terminal("report", "--db", demo) in README


def test_readme_shows_what_its_query_gives(demo):
    query = re.search(r'\$ engagement sql "([^"]+)"', README)
    assert query
    assert in_terminal("sql", query[1], "--db", demo) in README


def test_readme_shows_the_worst_events(demo):
    assert in_terminal("events", "--worst", "3", "--db", demo) in README


def test_readme_names_every_command():
    for command in main.commands if hasattr(main, "commands") and main.commands else ():
        assert f"`{command}" in README
    context = main.make_context("engagement", ["--help"], resilient_parsing=True)
    for name in main.list_commands(context):
        assert re.search(rf"`[^`]*\b{name}\b[^`]*`", README), name


@pytest.mark.parametrize("path", pages(), ids=lambda path: path.name)
def test_generated_pages_are_current(path):
    assert path.read_text(encoding="utf-8") == pages()[path], "run `make docs`"


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))]
)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target
