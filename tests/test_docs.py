from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs import assistants_page
from docs.cookbook_page import PAGE, make_demo, page
from docs.generate import pages
from engagement.cli import main
from engagement.store.cookbook import find_recipe, recipes
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
    return str(make_demo(tmp_path_factory.mktemp("demo")))


def test_readme_shows_what_the_demo_prints(demo):
    assert in_terminal("report", "--db", demo) in README


def test_readme_shows_what_its_query_gives(demo):
    query = re.search(r'\$ engagement sql "([^"]+)"', README)
    assert query
    assert in_terminal("sql", query[1], "--db", demo) in README


def test_readme_shows_the_worst_events(demo):
    assert in_terminal("events", "--worst", "3", "--db", demo) in README


def test_the_cookbook_has_the_answers_of_the_demo(demo):
    assert page(Path(demo)) == PAGE.read_text(encoding="utf-8")
    recipe = find_recipe("worst-moments")
    shown = in_terminal("sql", "--example", recipe.name, "--db", demo)
    assert shown == in_terminal("sql", recipe.query, "--db", demo)
    listed = in_terminal("sql", "--examples", "--db", demo)
    assert all(name in listed for name in recipes())


def test_the_exchange_with_an_assistant_is_that_of_the_demo(demo):
    assert assistants_page.page(Path(demo)) == assistants_page.PAGE.read_text(encoding="utf-8")


def test_readme_names_every_command():
    for command in main.commands if hasattr(main, "commands") and main.commands else ():
        assert f"`{command}" in README
    context = main.make_context("engagement", ["--help"], resilient_parsing=True)
    for name in main.list_commands(context):
        assert re.search(rf"`[^`]*\b{name}\b[^`]*`", README), name


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    """The pages, made in a process of its own: click keeps parts of commands that were used."""
    folder = tmp_path_factory.mktemp("docs")
    subprocess.run((sys.executable, "-m", "docs.generate", folder), cwd=ROOT, check=True)
    return folder


@pytest.mark.parametrize("name", pages())
def test_generated_pages_are_current(generated, name):
    made, kept = (folder / name for folder in (generated, ROOT / "docs"))
    assert kept.read_text(encoding="utf-8") == made.read_text(encoding="utf-8"), "run `make docs`"


@pytest.mark.parametrize(
    "page", ["README.md", "CONTRIBUTING.md", *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))]
)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target
