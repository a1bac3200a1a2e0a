"""`engagement demo`: what it prints can be typed, and --serve shows drives at once."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from engagement.store.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

ENGAGEMENT = Path(sys.executable).with_name("engagement")
SMALL = ("demo", "--drives", "1")
_HIDDEN = ("ENGAGEMENT", "COV", "BROWSER", "DISPLAY", "WAYLAND_DISPLAY")


def environment(**variables: str) -> dict[str, str]:
    return {k: text for k, text in os.environ.items() if not k.startswith(_HIDDEN)} | variables


@contextmanager
def shown(folder: Path, *options: str, **variables: str) -> Iterator[tuple[str, list[str]]]:
    """The URL of a demo's server, and what was said before it."""
    with subprocess.Popen(
        [ENGAGEMENT, *SMALL, "--serve", *options],
        cwd=folder,
        env=environment(**variables),
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said = []
        try:
            for line in process.stderr:
                said.append(line)
                if found := re.search(r"serving .* at (http://\S+/) until", line):
                    yield found[1], said
                    break
        finally:
            process.send_signal(signal.SIGINT)
            rest = process.stderr.read()
    assert process.returncode == 0, [*said, rest]
    assert "Traceback" not in rest


def fetch(url: str) -> str:
    with urlopen(url, timeout=30) as answer:  # noqa: S310 - a server of our own
        return answer.read().decode()


def test_it_makes_ingests_and_serves(tmp_path):
    with shown(tmp_path, "--no-browser", ENGAGEMENT_DB="own.duckdb") as (url, said):
        assert "2019-11-14" in fetch(url + "drives")
    assert any(" segments of 1 drive, " in line for line in said)
    assert not (tmp_path / "own.duckdb").exists(), "made-up drives are no drives of the user's"
    with Reader(tmp_path / "demo" / "demo.duckdb") as reader:
        assert len(reader.rows("from drives")) == 1


def test_a_second_time_it_shows_the_same_drives_once(tmp_path):
    for _ in range(2):
        with shown(tmp_path, "--no-browser", "--port", "0"):
            pass
    with Reader(tmp_path / "demo" / "demo.duckdb") as reader:
        assert len(reader.rows("from drives")) == 1


def test_it_opens_the_browser_at_the_pages(tmp_path):
    opened = tmp_path / "opened"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$@" > "{opened}"\n')
    browser.chmod(0o755)
    with shown(tmp_path, "--port", "0", BROWSER=str(browser)) as (url, _):
        deadline = time.monotonic() + 20
        while not opened.exists() or not opened.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert opened.read_text().strip() == url


def test_without_a_browser_it_says_where_the_pages_are(tmp_path):
    with shown(tmp_path, "--port", "0") as (_, said):
        assert any("there is no browser here" in line for line in said)


@pytest.fixture
def taken_port():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_was_asked_for_is_not_another(tmp_path, taken_port):
    command = [ENGAGEMENT, *SMALL, "--serve", "--port", str(taken_port)]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert f"--port {taken_port}: can't listen there" in done.stderr


def test_the_usual_port_may_be_taken(taken_port, monkeypatch):
    from engagement.cli import demo  # noqa: PLC0415

    monkeypatch.setattr(demo, "_PORT", taken_port)
    with demo._listener(None) as found:
        assert found.getsockname()[1] not in (0, taken_port)


@pytest.mark.parametrize("option", [("--port", "0"), ("--no-browser",)])
def test_what_is_for_serving_is_refused_without(tmp_path, option):
    done = subprocess.run(
        [ENGAGEMENT, *SMALL, *option], cwd=tmp_path, env=environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "are for --serve" in done.stderr
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize(
    ("program", "path", "group"),
    [
        ((str(ENGAGEMENT),), os.environ["PATH"], ("--db", "of the group.duckdb")),
        (("engagement",), f"{ENGAGEMENT.parent}:{os.environ['PATH']}", ()),
        ((sys.executable, "-m", "engagement"), "/usr/bin:/bin", ()),
    ],
    ids=["path", "name", "module"],
)
def test_what_it_says_to_type_works_there(tmp_path, program, path, group):
    folder = tmp_path / "a folder"
    folder.mkdir()
    variables = environment(PATH=path, ENGAGEMENT_DB="own.duckdb")
    command = [*program, *group, *SMALL, "--out", "some logs"]
    said = subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=True
    )
    ingest, report = said.stdout.splitlines()[1:]
    done = [
        subprocess.run(
            ["sh", "-c", typed], cwd=folder, env=variables, capture_output=True, text=True,
            check=True,
        )
        for typed in (ingest, report)
    ]  # fmt: skip
    assert "2019-11-14--08-12-05" in done[1].stdout
    made = {path.name for path in folder.iterdir() if path.suffix == ".duckdb"}
    assert made == {group[1] if group else "demo.duckdb"}
