"""docs/api.md shows what the server answers: its examples are run, in its own words."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engagement.api.settings import Settings
from tests.api.servers import server

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).parent.parent.parent / "docs" / "api.md"
TEXT = PAGE.read_text(encoding="utf-8")
TOKEN = "a-token-of-some-length"  # noqa: S105 - the tests' own
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FLOAT = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


@dataclass(frozen=True)
class Example:
    """What is typed, and what is said to come of it."""

    kind: str
    typed: str
    shown: str


def examples() -> Iterator[Example]:
    """Console blocks, whose commands follow a $, and Python with the output below it."""
    blocks = _BLOCK.findall(TEXT)
    for number, (kind, text) in enumerate(blocks):
        if kind == "console":
            lines = text.splitlines(keepends=True)
            commands = "".join(line[2:] for line in lines if line.startswith("$ "))
            yield Example(
                kind, commands, "".join(line for line in lines if not line.startswith("$ "))
            )
        elif kind == "python":
            assert blocks[number + 1][0] == "text"
            yield Example(kind, text, blocks[number + 1][1])


def rounded(text: str) -> str:
    """The text with its numbers to six digits, as sums may differ in the last, in one line.

    Not every answer ends its line.
    """
    return "".join(_FLOAT.sub(lambda found: f"{float(found[0]):.6g}", text).splitlines())


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    run = (sys.executable, "-m", "engagement")
    for words in (("demo", "--out", "rlogs"), ("ingest", "rlogs", "--profile", "demo")):
        command = (*run, "--db", "engagement.duckdb", *words)
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
    return folder / "engagement.duckdb"


@pytest.fixture(scope="module")
def ports(demo: Path) -> Iterator[dict[str, int]]:
    """By the addresses in the page: a server for all, and one that asks for a token."""
    tokens = demo.with_name("tokens")
    tokens.write_text(f"{TOKEN}\n")
    tokens.chmod(0o600)
    options = ("--token-file", str(tokens), "--allowed-host", "drives.example.org")
    with server(demo) as (_, first), server(demo, *options) as (_, second):
        yield {"http://127.0.0.1:8000": first, "https://drives.example.org": second}


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
@pytest.mark.parametrize(
    "example", [*examples()], ids=lambda example: re.sub(r"\W+", "-", example.typed[:60])
)
def test_an_example_gives_what_the_page_shows(example, ports, tmp_path):
    typed = example.typed
    for address, port in ports.items():
        typed = typed.replace(address, f"http://127.0.0.1:{port}")
    api = f"http://127.0.0.1:{ports['http://127.0.0.1:8000']}/api/v1"
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    command = [sys.executable, "-c"] if example.kind == "python" else ["bash", "-euc"]

    done = subprocess.run(
        [*command, typed],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "API": api, "TOKEN": TOKEN, "PATH": path},
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert rounded(done.stdout) == rounded(example.shown)


def test_there_are_examples_of_both_kinds():
    assert {example.kind for example in examples()} == {"console", "python"}


def test_the_limits_are_the_servers_own():
    settings = Settings()
    shown = {
        cells[0].strip(): cells[1].strip()
        for cells in (line[1:-1].split("|") for line in TEXT.splitlines())
        if len(cells) == 4
    }
    mib = 1 << 20
    unsent = (
        f"{settings.max_unsent}, {settings.max_unsent_per_client}, "
        f"{settings.unsent_bytes // mib} MiB"
    )
    assert shown.items() >= {
        ("requests of one client a second; twice as many at once", f"{settings.requests_per_s:g}"),
        ("time of all queries of one request", f"{settings.limits.time_limit_s:g} s"),
        ("time of the query behind a file", f"{settings.download_time_limit_s:g} s"),
        ("rows of one answer, in memory", f"{settings.limits.result_bytes // mib} MiB"),
        ("a file", f"{settings.download_bytes // mib} MiB"),
        (
            "files being made at once; half as many of one client",
            str(settings.max_downloads),
        ),
        ("files not read yet: of all clients, of one, together", unsent),
        (
            "answers computed at once: of all clients; of one while others ask; of one alone",
            f"{settings.n_at_once}; half of the cores; {settings.n_alone}",
        ),
        ("connections at once", str(settings.connections.n_at_once)),
        (
            "connections of one client, but for trusted proxies",
            str(settings.connections.n_per_client),
        ),
        (
            "time until the head of a request is complete",
            f"{settings.connections.head_s:g} s",
        ),
        (
            "time in which a client has to take 16 KiB of what is sent",
            f"{settings.connections.stall_s:g} s",
        ),
    }
