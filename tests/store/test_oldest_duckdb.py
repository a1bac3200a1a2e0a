"""A database that this DuckDB wrote, read by the oldest one that is supported."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

import pytest

from engagement.store.database_writer import Writer

PROJECT = Path(__file__).parents[2] / "pyproject.toml"

# Its arguments are the database and its views; it prints the version, and what can't be bound.
READ = """
import sys
import duckdb
connection = duckdb.connect(sys.argv[1], read_only=True)
print(duckdb.__version__)
for view in sys.argv[2:]:
    try:
        connection.execute(f"explain select * from {view}")
    except duckdb.Error as error:
        print(view, error)
"""


@pytest.fixture(scope="module")
def oldest(tmp_path_factory):
    """A Python that has the oldest DuckDB, and its version."""
    wanted = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]["dependencies"]
    [version] = (m[1] for each in wanted if (m := re.match(r"duckdb>=([\d.]+),", each)))
    home = tmp_path_factory.mktemp("oldest")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    command = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet")
    installed = subprocess.run(
        (*command, "--no-deps", f"duckdb=={version}"), capture_output=True, text=True, check=False
    )
    if "No matching distribution" in installed.stderr:
        pytest.skip("no package index to install it from")
    assert installed.returncode == 0, installed.stderr
    return python, version


def test_every_view_of_a_file_binds_in_the_oldest_duckdb(oldest, tmp_path):
    """DuckDB 2 writes `lag(x, 2)` in a way that 1.5.5 does not bind."""
    python, version = oldest
    database = tmp_path / "engagement.duckdb"
    with Writer(database) as writer:
        query = (
            "select schema_name || '.' || view_name from duckdb_views() "
            "where database_name = current_database() and not internal order by all"
        )
        views = [name for (name,) in writer.connection.execute(query).fetchall()]
        writer.publish()
    assert len(views) > 90
    read = subprocess.run(
        (python, "-c", READ, database, *views), capture_output=True, text=True, check=True
    )
    assert read.stdout == f"{version}\n"
