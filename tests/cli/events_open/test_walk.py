from __future__ import annotations

import csv
import time
from pathlib import Path

import duckdb
import pytest

from engagement.store.reader import Reader
from tests.cli.events_open.conftest import PATIENCE_S, is_running


def test_each_event_gets_a_viewer_of_its_own_at_its_moment(review, programs, worst):
    program = programs.install("plotjuggler")
    opened = []

    def look():
        *before, last = programs.started(len(opened) + 1)
        assert not any(is_running(one["pid"]) for one in before)
        assert is_running(last["pid"])
        folder = Path(last["argv"][-1]).parent
        assert last["argv"] == [str(program), "-n", "-l", str(folder / "layout.xml")]
        assert folder.stat().st_mode & 0o77 == 0
        with (folder / "clip.csv").open(newline="") as lines:
            marked = [float(row["time_s"]) for row in csv.DictReader(lines) if row["event"] == "1"]
        opened.extend(marked)

    shown = review(look, "n", look, "p", look, "o", look, "q")
    times_s = [event["time_s"] for event in worst[:2]]
    assert opened == pytest.approx([times_s[0], times_s[1], times_s[0], times_s[0]], abs=1e-9)
    assert "event 2 of 2: " in shown
    assert "critical" in shown
    assert "2 of 2 events looked at" in shown


@pytest.mark.usefixtures("no_viewer")
def test_labels_and_notes_are_written_and_shown(review, own, worst, answer):
    answer("TRUE", "a cut-in")
    shown = review("l", "t", "n", "p", "q", database=own)
    assert "labelled true\n" in shown
    assert shown.count('labelled true: "a cut-in"\n') == 2
    assert "2 of 2 events looked at; 2 labels or notes written" in shown
    assert _labels(own) == {worst[0]["event_id"]: ("true", "a cut-in")}


def _labels(database):
    with Reader(database) as reader:
        rows = reader.rows("select event_id, label, note from events where label is not null")
    return {row["event_id"]: (row["label"], row["note"]) for row in rows}


@pytest.mark.parametrize(
    "asked",
    [
        ("l", [""], "nothing was written"),
        ("l", [KeyboardInterrupt()], "nothing was written"),
        ("t", [EOFError()], "nothing was written"),
        ("t", ["true", ""], "nothing was written"),
        ("l", ["no label!"], "'no label!' is no label"),
        ("l", ["uncritica"], "did you mean 'uncritical'?"),
        ("t", ["true", "x" * 3000], "this one has 3000"),
        ("l", ["tr\udcff"], "no text in UTF-8"),
        ("l", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "")], "no text in UTF-8"),
    ],
)
@pytest.mark.usefixtures("no_viewer")
def test_what_is_no_label_changes_nothing(review, own, answer, asked):
    key, lines, message = asked
    answer(*lines)
    assert message in review(key, "q", database=own)
    assert _labels(own) == {}


@pytest.mark.usefixtures("no_viewer")
def test_what_is_put_aside_is_named_at_the_end(review, worst):
    shown = review("s", "n", "x", "p", "p", "q")
    assert "this is the last event; q ends" in shown
    assert "this is the first event; q ends" in shown
    assert "put aside, and named again" in shown
    assert f"1 of 2 events looked at; put aside: {worst[0]['drive']}@" in shown


def test_a_viewer_that_fails_says_why_and_the_review_goes_on(review, programs, monkeypatch):
    monkeypatch.setattr("engagement.review.opening.PATIENCE_S", PATIENCE_S)
    text = "#!/bin/sh\necho starting\necho could not connect to display >&2\nexit 134\n"
    file = programs.write(programs.folder / "plotjuggler", text)
    shown = review("n", "q")
    assert shown.count(f"{file}: it ended with status 134: could not connect to display") == 2
    assert "event 2 of 2" in shown


def test_one_that_fails_later_is_told_once(review, programs):
    text = '#!/bin/sh\n/bin/sleep 0.4\necho "pull access denied"\nexit 125\n'
    file = programs.write(programs.folder / "plotjuggler", text)
    shown = review(lambda: time.sleep(1), "?", "?", "q")
    assert shown.count(f"{file}: it ended with status 125: pull access denied") == 1


def test_names_from_logs_can_not_command_the_terminal(review, programs, worst):
    programs.install("plotjuggler")
    hostile = {"path": "/logs/\x1b]0;pwned\x07/rlog.zst", "cause_event": "x\x1b[2Jy", "label": "a",
               "note": "\x9b31m"}  # fmt: skip
    shown = review("q", events=[worst[0] | hostile], with_video=True)
    assert "/logs/\\x1b]0;pwned\\x07/rlog.zst" in shown
    assert "(x\\x1b[2Jy)" in shown
    assert '"\\x9b31m"' in shown
    assert not any(c in shown for c in "\x1b\x07\x9b")


def test_a_log_that_is_gone_is_said_and_the_next_event_comes(review, programs, own):
    programs.install("plotjuggler")
    with duckdb.connect(str(own)) as connection:
        connection.execute("update log.segment set path = '/nowhere/rlog.zst'")
    shown = review("n", "q", text='[plotjuggler]\nfeed = "raw"\n', database=own)
    assert shown.count("/nowhere/rlog.zst: can't be read: No such file") == 2
    assert "event 2 of 2" in shown
    assert programs.started() == []


def test_a_folder_for_clips_that_can_not_be_made_is_named(review, programs, tmp_path):
    programs.install("plotjuggler")
    (tmp_path / "file").touch()
    shown = review("q", text=f'folder = "{tmp_path}/file/clips"\n')
    assert f"{tmp_path}/file/clips: Not a directory" in shown


def test_clips_lie_where_the_settings_say(review, programs, tmp_path):
    programs.install("plotjuggler")

    def look():
        [started] = programs.started(1)
        assert Path(started["argv"][-1]).parent.parent == tmp_path / "home" / "clips"

    review(look, "q", text=f'folder = "{tmp_path}/home/clips"\n')
    assert list((tmp_path / "home" / "clips").iterdir()) == []
