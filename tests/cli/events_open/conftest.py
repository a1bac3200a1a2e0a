"""Programs that say what they were started with, and a review whose keys are scripted."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from engagement.cli.review_prompt import Review
from engagement.review import opening
from engagement.review.opening import make_opener
from engagement.review.settings import load_settings
from engagement.store.reader import Reader

PATIENCE_S = 20

# Says what it was started with, and runs until it is ended.
FAKE = """#!/bin/sh
exec {python} -S -c '
import json, os, sys, time
words = {{"argv": sys.argv[1:], "pid": os.getpid(), "path": os.environ.get("PYTHONPATH")}}
with open({record}, "a") as file:
    file.write(json.dumps(words) + "\\n")
if sys.argv[2:3] != ["rm"]:
    time.sleep({seconds})
' "$0" "$@"
"""
SCRIPT = """
import json, os, sys, time
words = {{"argv": sys.argv, "pid": os.getpid(), "path": os.environ.get("PYTHONPATH")}}
with open({record}, "a") as file:
    file.write(json.dumps(words) + "\\n")
time.sleep(1000)
"""


class Programs:
    """A folder of programs, the only ones there are."""

    def __init__(self, folder):
        self.folder = folder / "bin"
        self.folder.mkdir()
        self._record = folder / "started.jsonl"

    def install(self, name, seconds=1000):
        record = json.dumps(str(self._record))
        text = FAKE.format(python=sys.executable, record=record, seconds=seconds)
        return self.write(self.folder / name, text)

    def install_script(self, file):
        return self.write(file, SCRIPT.format(record=json.dumps(str(self._record))))

    def write(self, file, text):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(0o755)
        return file

    def started(self, n=None):
        """What was started so far; waits for `n` of them."""
        deadline_s = time.monotonic() + PATIENCE_S
        while True:
            text = self._record.read_text() if self._record.exists() else ""
            found = [json.loads(line) for line in text.splitlines()]
            if n is None or len(found) >= n:
                return found
            assert time.monotonic() < deadline_s, found
            time.sleep(0.02)


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """No other programs, no display; afterwards none of them runs and no clip is left."""
    clips = tmp_path / "clips"
    clips.mkdir()
    monkeypatch.setenv("TMPDIR", str(clips))
    monkeypatch.setattr("tempfile.tempdir", None)
    found = Programs(tmp_path)
    monkeypatch.setenv("PATH", str(found.folder))
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    yield found
    left = [one for one in found.started() if is_running(one["pid"])]
    for one in left:
        os.killpg(one["pid"], signal.SIGKILL)
    assert left == []
    assert list(clips.iterdir()) == []


@pytest.fixture
def own(database, tmp_path):
    """A database of its own, to write into."""
    copy = tmp_path / "own.duckdb"
    copy.write_bytes(database.read_bytes())
    return copy


@pytest.fixture
def worst(database):
    """Events, the critical ones first, by severity."""
    with Reader(database) as reader:
        return reader.rows(
            "select * from events where cause is distinct from 'end_of_drive' "
            "order by coalesce(is_critical, false) desc, coalesce(severity, 0) desc"
        )


@pytest.fixture
def no_viewer(monkeypatch):
    """Nothing is written for an event and nothing is started."""
    monkeypatch.setattr(opening.viewer, "choose_way", lambda _settings: "local")
    monkeypatch.setattr(
        opening.PlotJugglerOpener,
        "open",
        lambda *_words: opening.Opened(opening.Plan("local"), None),
    )


class ScriptedKeys:
    """Presses keys one after the other; what can be called is called in between."""

    def __init__(self, steps):
        self._steps = iter(steps)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    lines = wait = __enter__

    def read(self, on_idle):
        on_idle()
        for step in self._steps:
            if isinstance(step, str):
                return step
            step()
        return "q"


@pytest.fixture
def review(tmp_path, database, worst, monkeypatch, capsys):
    """Go through the two worst events; says what was shown."""
    monkeypatch.setattr(opening, "PATIENCE_S", 0.2)

    def review(*steps, text="", kind="plotjuggler", events=None, database=database, **options):
        file = tmp_path / "viewer.toml"
        file.write_text(text)
        settings = load_settings(file, tmp_path)
        opener = make_opener(kind, database, settings)
        options = {"with_video": False, "keep_open": False} | options
        Review(database, settings, opener, ScriptedKeys(steps), **options).run(events or worst[:2])
        shown = capsys.readouterr()
        return shown.out + shown.err

    return review


@pytest.fixture
def answer(monkeypatch):
    """Type these lines, or raise these errors, when asked."""

    def answer(*lines):
        left = list(lines)

        def type_line(_prompt):
            line = left.pop(0)
            if isinstance(line, str):
                return line
            raise line

        monkeypatch.setattr("builtins.input", type_line)

    return answer
