from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from engagement.review.child import ViewerError, start
from tests.support.waiting import wait_for

PATIENCE_S = 20


def _run(tmp_path, code, **options):
    options = {"patience_s": 0.0} | options
    return start([sys.executable, "-c", code], tmp_path / "said.txt", **options)


def _is_alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_what_a_program_started_ends_with_it_even_if_it_ignores_sigterm(tmp_path, monkeypatch):
    monkeypatch.setattr("engagement.review.child._ENDS_WITHIN_S", 0.2)
    code = (
        "import signal, subprocess, sys\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "child = subprocess.Popen(['sleep', '1000'])\n"
        "print(child.pid, flush=True)\n"
        "child.wait()"
    )
    child = _run(tmp_path, code)
    wait_for(lambda: child.said().endswith("\n"))
    grandchild = int(child.said())
    assert os.getpgid(grandchild) == child.pid != os.getpgid(0)
    child.end()
    assert not child.is_running
    wait_for(lambda: not _is_alive(grandchild))


def test_what_a_wrapper_left_behind_ends_too(tmp_path):
    code = "import subprocess; print(subprocess.Popen(['sleep', '1000']).pid, flush=True)"
    child = _run(tmp_path, code, patience_s=PATIENCE_S)
    grandchild = int(child.said())
    assert _is_alive(grandchild)
    child.end()
    wait_for(lambda: not _is_alive(grandchild))


def test_one_that_fails_at_once_says_why(tmp_path):
    with pytest.raises(ViewerError, match=r"it ended with status 3: no display$"):
        _run(tmp_path, "print('hello\\nno display'); raise SystemExit(3)", patience_s=PATIENCE_S)
    with pytest.raises(ViewerError, match=rf"it ended with signal {signal.SIGKILL.value}$"):
        _run(tmp_path, "import os; os.kill(os.getpid(), 9)", patience_s=PATIENCE_S)


def test_one_that_ends_well_at_once_has_no_problem(tmp_path):
    # As a program that hands the file to one that is running.
    child = _run(tmp_path, "pass", patience_s=PATIENCE_S)
    assert (child.problem, child.is_running) == ("", False)
    child.end()


def test_one_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ViewerError, match="/nowhere/viewer: can't be started: No such file"):
        start(["/nowhere/viewer"], tmp_path / "said.txt", patience_s=0)


def test_the_last_command_runs_after_the_end(tmp_path):
    ended = tmp_path / "ended"
    child = _run(tmp_path, "import time; time.sleep(1000)", last=["touch", str(ended)])
    assert not ended.exists()
    child.end()
    assert ended.exists()


def test_no_word_reaches_a_shell_and_the_terminal_is_not_its(tmp_path):
    code = "import os, sys; print(sys.argv[1:], os.environ['EXTRA'], sys.stdin.read() == '')"
    words = ["$(touch pwned)", "; reboot", "a b"]
    command = [sys.executable, "-c", code, *words]
    child = start(command, tmp_path / "said.txt", patience_s=20, environment={"EXTRA": "x"})
    assert child.said() == f"{words} x True\n"
    child.end()
