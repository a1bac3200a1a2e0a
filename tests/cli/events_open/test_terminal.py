from __future__ import annotations

import os
import shutil
import signal
import termios
import time
from pathlib import Path

import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.store.reader import Reader
from tests.cli.events_open.conftest import PATIENCE_S, is_running
from tests.support.terminal import Terminal

PROMPT = "? help > "


@pytest.fixture
def opened(request, own, tmp_path, programs):
    """A review of the two worst events at a terminal, the first one open."""
    programs.install("plotjuggler")
    words = ["--db", str(own), "events", "open", "--worst", "2", *getattr(request, "param", [])]
    terminal = Terminal(words, tmp_path)
    assert "event 1 of 2: " in terminal.read_until(PROMPT)
    yield terminal
    if terminal.process.poll() is None:
        terminal.process.send_signal(signal.SIGTERM)
        terminal.process.wait(PATIENCE_S)


def test_keys_and_lines_are_taken_in_turn(opened, own, programs, worst):
    opened.send("l")
    opened.read_until("]: ")
    opened.send("true\n")
    assert "labelled true" in opened.read_until(PROMPT)
    opened.send("\x1b[C")
    assert "event 2 of 2: " in opened.read_until(PROMPT)
    opened.send("t")
    opened.read_until("]: ")
    opened.interrupt()
    assert "nothing was written" in opened.read_until(PROMPT)
    # What is typed while a viewer starts is not lost.
    opened.send("pxq")
    assert "event 1 of 2: " in opened.read_until(PROMPT)
    assert "put aside, and named again" in opened.read_until(PROMPT)
    assert "2 of 2 events looked at; 1 label or notes written" in opened.read_until("written")
    assert opened.wait() == ExitCode.OK
    assert len(programs.started()) == 3
    with Reader(own) as reader:
        found = reader.rows("select event_id, label from events where label is not null")
    assert found == [{"event_id": worst[0]["event_id"], "label": "true"}]


def test_ctrl_c_ends_everything_and_restores_the_terminal(opened):
    assert not termios.tcgetattr(opened.file)[3] & (termios.ICANON | termios.ECHO)
    opened.interrupt()
    opened.read_until("interrupted")
    assert opened.process.wait(PATIENCE_S) == ExitCode.INTERRUPTED
    assert termios.tcgetattr(opened.file)[3] & termios.ICANON
    assert termios.tcgetattr(opened.file)[3] & termios.ECHO
    opened.wait()


def test_sigterm_ends_everything(opened):
    opened.process.send_signal(signal.SIGTERM)
    opened.read_until("interrupted")
    assert opened.wait() == ExitCode.INTERRUPTED


def test_sigterm_ends_everything_from_a_question_too(opened):
    opened.send("l")
    opened.read_until("]: ")
    opened.process.send_signal(signal.SIGTERM)
    opened.read_until("interrupted")
    assert opened.wait() == ExitCode.INTERRUPTED


def test_a_terminal_that_goes_away_leaves_nothing(opened):
    os.close(opened.file)
    assert opened.process.wait(PATIENCE_S) != ExitCode.OK


@pytest.mark.parametrize("opened", [["--keep-open"]], indirect=True)
def test_a_viewer_may_be_left_open(opened, programs):
    opened.send("q")
    shown = opened.read_until("its clip is in")
    folder = Path(opened.read_until("\r\n").strip() or opened.read_until("\r\n").strip())
    assert opened.wait() == ExitCode.OK
    [started] = programs.started(1)
    assert f"left open: process {started['pid']};" in shown
    assert (folder / "clip.csv").is_file()
    assert is_running(started["pid"])
    os.killpg(started["pid"], signal.SIGKILL)
    deadline_s = time.monotonic() + PATIENCE_S
    while is_running(started["pid"]):
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    shutil.rmtree(folder)
