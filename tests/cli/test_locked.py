"""A database that another program holds, and a system without file locks."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from engagement.cli.exit_codes import ExitCode

HOLD = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def held(database, tmp_path):
    """A database that another process has open for writing, as DuckDB's shell does."""
    path = tmp_path / "held.duckdb"
    shutil.copy(database, path)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"held\n"
    yield path, process.pid
    process.communicate()


@pytest.mark.parametrize(
    "command", [["report"], ["status"], ["sql", "select 1"], ["ingest", "."], ["recompute"]],
    ids=" ".join,
)  # fmt: skip
def test_who_holds_the_database_is_told_and_what_to_do(run_alone, held, command):
    path, pid = held
    result = run_alone(*command, "--db", path)
    assert result.exit_code == ExitCode.DATABASE
    assert f"process {pid} (python" in result.stderr
    assert "has it open for writing" in result.stderr
    assert "the database is sound" in result.stderr
    assert "restore" not in result.stderr


WITHOUT_LOCKS = """
import sys
sys.modules["fcntl"] = None
sys.argv[1:] = ["report"]
from engagement.cli import main
main()
"""


def test_a_system_without_file_locks_is_told_in_a_line():
    found = subprocess.run(
        [sys.executable, "-c", WITHOUT_LOCKS], capture_output=True, text=True, check=False
    )
    assert found.returncode == 1
    assert found.stdout == ""
    [line] = found.stderr.splitlines()
    assert line.startswith("engagement: this system has no POSIX file locks")
    assert "WSL" in line
    assert "image" in line
