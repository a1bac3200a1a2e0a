"""A database from a stranger reads no other file, and what is no database is refused at once."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import threading

import duckdb
import pytest

from engagement.cli.exit_codes import ExitCode
from engagement.errors import EngagementError
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.serving import Publication
from tests.cli.test_every_command import COMMANDS

SECRET = "only-the-user-may-read-this"  # noqa: S105 - no password
DISABLED = "disabled by configuration"

# What makes each command that reads a database ask it something; those of a group that differ in
# nothing else stand for one another.
READING = {
    "report": [],
    "rates": [],
    "compare": ["--by", "branch", "a", "b"],
    "events": [],
    "events open": ["--worst", "1", "--with", "browser"],
    "events label": ["x@1", "true"],
    "events labels": [],
    "events redact": ["--out", "shared.json"],
    "clip": ["x@1", "--out", "clip.csv"],
    "redact events": ["--out", "shared.json"],
    "redact clip": ["x@1", "--out", "clip.csv"],
    "redact track": ["x", "--out", "track.csv"],
    "redact database": ["--out", "shared.duckdb"],
    "status": [],
    "devices": [],
    "drives": [],
    "find": ["engaged"],
    "sql": ["from drives"],
    "shell": ["--plain"],
    "sync": ["localhost", "--legacy"],
    "export csv": ["drives", "--out", "drives.csv"],
    "export parquet": ["drives", "--out", "drives.parquet"],
    "export gpx": ["x", "--out", "drive.gpx"],
    "export legacy": ["--out", "old"],
}
SAME_AS_LEGACY = {name for name in COMMANDS if name.startswith("export ") and "json" in name}
# These write, or read what no view can change, or take no such file, or are looked at on their own.
OTHERS = {
    "collect", "ingest", "import", "recompute", "demo", "glossary", "name", "serve", "mcp",
    "lake init", "lake status",
}  # fmt: skip


def test_every_command_that_reads_is_looked_at():
    reading = {
        name
        for name, command in COMMANDS.items()
        if any(parameter.name == "database" for parameter in command.params)
    }
    assert reading | {"events"} == READING.keys() | SAME_AS_LEGACY | OTHERS


@pytest.fixture
def trap(database, tmp_path):
    """A database whose every view tells what a file of the reader's says."""
    secret = tmp_path / "secret"
    secret.write_text(SECRET)
    path = tmp_path / "trap.duckdb"
    shutil.copy(database, path)
    caught = f"(select error(content) from read_text('{secret}')) is null"
    with duckdb.connect(str(path)) as connection:
        views = connection.execute(
            "select view_name, sql from duckdb_views() where schema_name = 'main' and not internal"
        ).fetchall()
        for name, text in views:
            query = text.partition(" AS ")[2].rstrip(";\n")
            connection.execute(
                f'create or replace view "{name}" as select * from ({query}) where {caught}'
            )
    with (
        duckdb.connect(str(path), read_only=True) as connection,
        pytest.raises(duckdb.Error, match=SECRET),
    ):
        connection.execute("from drives").fetchall()
    return path


@pytest.mark.parametrize("name", READING)
def test_a_view_of_a_stranger_reads_no_other_file(name, trap, run_alone):
    result = run_alone(*name.split(), "--db", trap, *READING[name], input="from drives;\n")
    said = result.stdout + result.stderr
    assert SECRET not in said
    assert DISABLED in said


def test_nor_does_one_that_is_read_before_all_others(trap, run_alone):
    """What the version and the definitions are read from may be views as well."""
    secret = trap.with_name("secret")
    with duckdb.connect(str(trap)) as connection:
        connection.execute("alter table store.state rename to stated")
        connection.execute(
            "create view store.state as select * from store.stated "
            f"where (select error(content) from read_text('{secret}')) is null"
        )
    result = run_alone("drives", "--db", trap)
    assert SECRET not in result.stdout + result.stderr
    assert DISABLED in result.stderr
    assert result.exit_code == ExitCode.DATABASE


WRITING = {
    "recompute": [],
    "devices": ["--join", "a1b2c3d4", "a1b2c3d4e5f60718"],
    "redact database": ["--out", "shared.duckdb", "--ends", "0", "--place", "1,1,1"],
    "import": ["old.json"],
}


@pytest.mark.parametrize("name", WRITING)
@pytest.mark.parametrize("table", ["log.car_params", "store.parameter"])
def test_a_view_in_the_place_of_a_table_is_no_way_into_what_is_written(
    name, table, database, run_alone, tmp_path
):
    (tmp_path / "secret").write_text(SECRET)
    entry = {"device_id": "0123456789abcdef", "drive": "2024-01-02--03-04-05", "total_time": 1}
    (tmp_path / "old.json").write_text(json.dumps([entry]))
    path = tmp_path / "trap.duckdb"
    shutil.copy(database, path)
    column = "car_fingerprint" if table == "log.car_params" else "why"
    told = f"(select content from read_text('{tmp_path / 'secret'}'))"
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"alter table {table} rename to real")
        real = f"{table.partition('.')[0]}.real"
        connection.execute(
            f"create view {table} as select * replace ({told} as {column}) from {real}"
        )

    result = run_alone(*name.split(), "--db", path, *WRITING[name])

    assert result.exit_code == ExitCode.DATABASE, result.stderr
    assert f"{table} is a view in it" in result.stderr or DISABLED in result.stderr
    for file in tmp_path.rglob("*.duckdb*"):
        if file.is_file() and file != path:
            assert SECRET.encode() not in file.read_bytes()


def test_a_writer_reads_no_other_file(tmp_path):
    (tmp_path / "secret").write_text(SECRET)
    path = tmp_path / "new.duckdb"
    with writer_lock(path), Writer(path) as writer:
        for query in (f"from read_text('{tmp_path / 'secret'}')", "install httpfs", "load httpfs"):
            with pytest.raises(duckdb.Error):
                writer.connection.execute(query)
        with pytest.raises(duckdb.Error):
            writer.connection.execute("set enable_external_access = true")


def test_a_server_does_not_read_it_either(trap):
    publication = Publication(trap)
    with publication.newest() as generation, pytest.raises(EngagementError) as caught:
        generation.rows("from drives")
    publication.close()
    assert SECRET not in str(caught.value)
    assert DISABLED in str(caught.value)


def make_sqlite(path):
    with sqlite3.connect(path) as connection:
        connection.execute("create table drives (drive text)")
    connection.close()


def make_socket(path):
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(path))


NO_FILES = {
    "a.sqlite": (make_sqlite, "that is a SQLite database"),
    "a.pipe": (os.mkfifo, "that is a pipe"),
    "a.socket": (make_socket, "that is a socket"),
    "md:drives": (None, "md: names a service"),
    "s3://bucket/drives.duckdb": (None, "s3: names a service"),
    "https://example.org/drives.duckdb": (None, "https: names a service"),
    "ducklake:catalog": (None, "ducklake: names a service"),
}
ANY_COMMAND = {
    **READING,
    "glossary": ["drives"],
    "serve": ["--port", "0"],
    "recompute": [],
    "import": ["old.json"],
    "collect": ["device"],
    "demo": [],
}


@pytest.mark.parametrize("name", NO_FILES)
def test_what_is_no_database_is_refused_at_once(name, run_alone, tmp_path, monkeypatch):
    """By every command, also if it is read from the environment; DuckDB is not even asked."""
    make, problem = NO_FILES[name]
    if make is not None:
        make(tmp_path / name)
    (tmp_path / "old.json").write_text("{}")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.setenv("HOME", str(tmp_path))  # where DuckDB would put an extension
    for command, words in ANY_COMMAND.items():
        results = []

        def attempt(command=command, words=words, results=results):
            results.append(run_alone(*command.split(), "--db", name, *words))

        thread = threading.Thread(target=attempt, daemon=True)
        thread.start()
        thread.join(60)
        assert results, f"{command} waits for {name}"
        assert (command, results[0].exit_code) == (command, ExitCode.DATABASE)
        assert problem in results[0].stderr
        assert results[0].stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_a_file_of_such_a_name_can_be_a_database(database, run_alone, tmp_path):
    shutil.copy(database, tmp_path / "md:drives")
    assert run_alone("drives", "--db", "md:drives").exit_code == ExitCode.OK
