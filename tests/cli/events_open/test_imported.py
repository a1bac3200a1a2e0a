"""Imported events of the old system, opened where their logs are."""

from __future__ import annotations

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.extract.choice import choose_can
from engagement.legacy.imports import import_files
from engagement.review.layout import MARK
from engagement.store.ingest_options import IngestOptions
from engagement.store.ingestion import ingest
from engagement.store.reader import Reader
from tests.cli.events_open.conftest import PATIENCE_S
from tests.support.terminal import Terminal

DATA = Path(__file__).parents[2] / "data" / "legacy"
WORDS = ("events", "open", "--imported", "--json")


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    database = tmp_path_factory.mktemp("imported") / "engagement.duckdb"
    import_files(database, [DATA / "engagement_db.json", DATA / "debug_events.json"])
    return database


def test_they_open_at_their_moment_where_their_logs_are(run, programs, imported, tmp_path):
    programs.install("plotjuggler")
    for folder in (DATA / "rlogs").glob("*/2025-07-30--08-00-00--[234]"):
        shutil.copytree(folder, tmp_path / "rlogs" / folder.parent.name / folder.name)
    result = run("--db", imported, *WORDS)
    assert result.exit_code == ExitCode.OK, result.stderr
    documents = json.loads(result.stdout)
    entries = {
        (one["rlog_path"], one["time_in_segment_s"], one["drive"])
        for one in json.loads((DATA / "debug_events.json").read_text())
    }
    there = [one for one in entries if Path(one[0]).exists()]
    assert 0 < len(there) < len(entries)
    assert len(documents) == len(there)
    assert {one["kind"] for one in documents} == {"steer_intervention"}
    assert {one["path"] for one in documents} == {str(Path(one[0]).absolute()) for one in there}
    assert f"{len(entries) - len(there)} events without its log, as ./rlogs/" in result.stderr
    elsewhere = run("--db", imported, *WORDS, "--logs", DATA / "rlogs")
    assert len(json.loads(elsewhere.stdout)) == len(entries)


def test_their_moment_is_that_of_the_events_which_the_logs_give(run, programs, imported, tmp_path):
    programs.install("plotjuggler")
    found = run("--db", imported, *WORDS, "--logs", DATA / "rlogs")
    moments = sorted(int(one["event_id"].split("|")[-1]) for one in json.loads(found.stdout))
    shutil.copytree(DATA / "config", tmp_path / "config")
    shutil.copy(DATA / "mini_i30.dbc", tmp_path)
    ingested = tmp_path / "ingested.duckdb"
    read = choose_can(profiles_file=None, name=None, cwd=tmp_path)
    ingest([DATA / "rlogs"], ingested, IngestOptions(read, jobs=1))
    with Reader(ingested) as reader:
        rows = reader.rows("select mono_ns from legacy_debug_events order by mono_ns")
    assert moments == pytest.approx([row["mono_ns"] for row in rows], abs=2)


def test_a_viewer_opens_on_the_logs_around_an_imported_event(imported, programs, tmp_path):
    """With a program that stands for PlotJuggler, at a terminal; its clip has the moment."""
    programs.install("plotjuggler")
    words = ["--db", str(imported), "events", "open", "--imported", "--logs", str(DATA / "rlogs")]
    terminal = Terminal(words, tmp_path)
    try:
        assert re.search(r"event 1 of \d+: ", terminal.read_until("? help > "))
        [started] = programs.started(1)
        clip = Path(started["argv"][-1]).with_name("clip.csv")
        rows = list(csv.DictReader(clip.read_text().splitlines()))
        marked = [number for number, row in enumerate(rows) if float(row[MARK] or 0)]
        assert 0 < marked[0] < len(rows) - 1
        terminal.send("q")
        assert terminal.wait() == ExitCode.OK
    finally:
        if terminal.process.poll() is None:
            terminal.process.terminate()
            terminal.process.wait(PATIENCE_S)


def test_entries_that_say_nothing_sound_are_left_out(run, programs, tmp_path):
    programs.install("plotjuggler")
    drive = "2025-07-30--08-00-00"
    shutil.copytree(DATA / "rlogs" / "0123abcd" / f"{drive}--2", tmp_path / drive / "2")
    paths = [
        f"{drive}/2/rlog.bz2", "../../x", "/etc/passwd", "a\0b", f"./rlogs/a/{drive}--3/rlog",
        f"./rlogs/a/{drive}--999999999/rlog",
    ]  # fmt: skip
    entry = {"drive": drive, "event_type": "a|b", "reason": "x"}
    entries = [entry | {"rlog_path": path, "time_in_segment_s": 1e300} for path in paths]
    entries.append(entry | {"rlog_path": paths[0], "time_in_segment_s": 1e6})
    (tmp_path / "debug_events.json").write_text(json.dumps(entries))
    database = tmp_path / "own.duckdb"
    report = import_files(database, [tmp_path / "debug_events.json"])
    assert not report.problems
    result = run("--db", database, *WORDS)
    assert result.exit_code == ExitCode.OK, result.stderr


def test_what_does_not_go_with_them_is_said(run, imported):
    assert run("events", "open", "--logs", DATA).exit_code == ExitCode.USAGE
    for words in (["--critical"], ["x@1"], ["--with", "browser", "--url", "http://a"]):
        assert run("--db", imported, *WORDS, *words).exit_code == ExitCode.USAGE
    nothing = run("--db", imported, *WORDS[:-1], "--with", "browser")
    assert nothing.exit_code == ExitCode.OK
    assert "no imported event has its log there" in nothing.stderr
