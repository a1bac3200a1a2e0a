from __future__ import annotations

import os
import stat
import sys

import pytest

from engagement.cli import shell
from engagement.cli.exit_codes import ExitCode
from tests.support.terminal import Terminal


def test_the_prompt_takes_statements_over_lines_and_commands(database, tmp_path):
    terminal = Terminal(["--db", str(database), "shell", "--plain"], tmp_path)
    terminal.read_until("engagement> ")
    terminal.send("select drive\n")
    terminal.read_until("...> ")
    terminal.send("from drives order by drive limit 1;\n")
    assert "2019-11-14--08-12-05" in terminal.read_until("engagement> ")
    terminal.send("select * from nowhere;\n")
    assert "nowhere does not exist" in terminal.read_until("engagement> ")
    terminal.send(".tables\n")
    assert "state_intervals" in terminal.read_until("engagement> ")
    terminal.send(".schema drivs\n")
    assert "did you mean 'drives'?" in terminal.read_until("engagement> ")
    terminal.send(".help\n")
    assert ".schema VIEW" in terminal.read_until("engagement> ")
    terminal.send("select half")
    terminal.read_until("select half")
    terminal.interrupt()
    terminal.read_until("engagement> ")
    terminal.send("\x04")
    assert terminal.wait() == ExitCode.OK
    history = (tmp_path / ".local/state/engagement/history").read_text()
    assert "from drives order by drive limit 1;" in history


def test_a_table_on_a_narrow_terminal_leaves_columns_out(database, tmp_path):
    terminal = Terminal(["--db", str(database), "report"], tmp_path)
    shown = terminal.read_until("left out")
    assert terminal.wait() == ExitCode.OK
    lines = shown.splitlines()
    rule = next(line for line in lines if line.startswith("───"))
    assert 90 < len(rule) <= 100
    assert "TOYOTA" not in shown
    assert any(line.startswith("2023-08-22--16-03-48 ") for line in lines)


def test_the_name_of_a_drive_is_whole_on_a_terminal_of_60_columns(database, tmp_path):
    terminal = Terminal(["--db", str(database), "report"], tmp_path, columns=60)
    lines = terminal.read_until("left out").splitlines()
    assert terminal.wait() == ExitCode.OK
    assert any(line.startswith("2019-11-14--08-12-05 ~ ") for line in lines)
    rule = next(line for line in lines if line.startswith("───"))
    assert len(rule) <= 60


def test_statements_come_from_a_pipe_too(run):
    result = run("shell", "--plain", input="select 1 as one;\n.schema bookmarks\nselect 2 as two")
    assert result.exit_code == ExitCode.OK
    assert result.stdout.startswith("one\n1\n")
    assert "mono_ns" in result.stdout
    assert result.stdout.endswith("two\n2\n")


def test_quit_ends_it(run):
    assert run("shell", "--plain", input=".quit\nselect 1;\n").stdout == ""


def test_duckdb_itself_is_started_where_it_is(run, database, tmp_path, monkeypatch):
    binary = tmp_path / "bin" / "duckdb"
    binary.parent.mkdir()
    binary.write_text("#!/bin/sh\n")
    binary.chmod(binary.stat().st_mode | stat.S_IXUSR)
    started = []
    monkeypatch.setenv("PATH", str(binary.parent))
    monkeypatch.setattr(os, "execv", lambda *call: started.append(call))
    assert run("shell").exit_code == ExitCode.OK
    assert started == [(str(binary), [str(binary), "-readonly", str(database)])]


@pytest.mark.parametrize("is_there", [True, False])
def test_duckdb_is_found_beside_python(tmp_path, monkeypatch, is_there):
    binary = tmp_path / "duckdb"
    if is_there:
        binary.touch(mode=0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    assert shell.find_duckdb() == (str(binary) if is_there else None)
