from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import click
import duckdb
import pyarrow as pa
import pytest

from engagement.cli import group, main
from engagement.cli.exit_codes import ExitCode
from engagement.errors import EngagementError
from engagement.store.database_writer import writer_lock

HEAVY = ("duckdb", "pyarrow", "numpy", "capnp", "cantools", "rich", "msgspec")
PROGRAM = [sys.executable, "-c", "from engagement.cli import main; main(prog_name='engagement')"]
FORMATS = ["--json", "--csv", "--arrow"]
NAMES = [name for name in group._COMMANDS if name not in ("export", "import")]


def commands():
    """Every command and subcommand that this checkout has, with the words that name it."""
    context = click.Context(main)
    for name in main.list_commands(context):
        try:
            command = main.get_command(context, name)
        except group.Failure:
            continue
        yield name, command
        if isinstance(command, click.Group):
            for sub in command.list_commands(context):
                yield f"{name} {sub}", command.get_command(context, sub)


def all_errors(error=EngagementError):
    yield error
    for child in error.__subclasses__():
        yield from all_errors(child)


def test_help_imports_nothing_heavy():
    code = (
        "import sys, json\n"
        "from click.testing import CliRunner\n"
        "from engagement.cli import main\n"
        "assert CliRunner().invoke(main, ['--help']).exit_code == 0\n"
        "assert CliRunner().invoke(main, ['--version']).exit_code == 0\n"
        "print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert not set(json.loads(found.stdout)) & set(HEAVY)


def test_commands_that_read_load_no_decoder(database):
    code = (
        "import sys, json\n"
        "from click.testing import CliRunner\n"
        "from engagement.cli import main\n"
        "for words in json.loads(sys.argv[2]):\n"
        "    assert CliRunner().invoke(main, ['--db', sys.argv[1], *words]).exit_code == 0, words\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    words = [["report"], ["drives"], ["events"], ["devices"], ["status"], ["rates", "--by", "all"]]
    command = [
        sys.executable,
        "-c",
        code,
        str(database),
        json.dumps([*words, ["sql", "from drives"]]),
    ]
    found = subprocess.run(command, capture_output=True, check=True)
    assert not set(json.loads(found.stdout)) & {"capnp", "cantools", "asyncio", "pyarrow.compute"}


def test_help_answers_within_the_time_of_five_bare_interpreters_and_half_a_second():
    def fastest_s(command):
        times = []
        for _ in range(3):
            started_s = time.perf_counter()
            subprocess.run(command, capture_output=True, check=True)
            times.append(time.perf_counter() - started_s)
        return min(times)

    bare_s = fastest_s([sys.executable, "-c", ""])
    assert fastest_s([*PROGRAM, "--help"]) < 5 * bare_s + 0.5


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=lambda value: str(value)[:40])
def test_every_command_has_help_an_example_and_help_for_every_option(name, command):
    context = click.Context(command, info_name=name)
    text = command.get_help(context)
    assert command.help.split("\n")[0].endswith((".", ":"))
    assert "Example:" in text
    assert f"engagement {name}" in text
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.name}"


@pytest.mark.parametrize("name", NAMES)
def test_the_list_of_commands_says_what_each_says_of_itself(name):
    command = main.get_command(click.Context(main), name)
    assert group._COMMANDS[name].removesuffix(".") in command.help.replace("\n", " ")


def test_a_mistyped_command_is_answered_with_the_nearest(run_alone):
    result = run_alone("repotr")
    assert result.exit_code == ExitCode.USAGE
    assert "no command 'repotr'; did you mean 'report'?" in result.stderr


def test_the_database_is_named_before_or_after_the_command_or_by_the_environment(
    run_alone, database, monkeypatch
):
    before = run_alone("--db", database, "devices")
    after = run_alone("devices", "--db", database)
    both = run_alone("--db", "other.duckdb", "devices", "--db", database)
    monkeypatch.setenv("ENGAGEMENT_DB", str(database))
    environment = run_alone("devices")
    assert before.exit_code == 0
    assert before.stdout == after.stdout == both.stdout == environment.stdout


@pytest.mark.parametrize("command", ["report", "devices", "drives", "status", "recompute", "shell"])
def test_a_missing_database_is_one_line_and_exit_4(run_alone, command):
    result = run_alone(command)
    assert result.exit_code == ExitCode.DATABASE
    assert result.stdout == ""
    assert result.stderr.startswith("engagement: engagement.duckdb: there is no such database")
    assert result.stderr.count("\n") == 1


def test_a_file_that_is_no_database_is_one_line_and_exit_4(run_alone, tmp_path):
    (tmp_path / "notes.txt").write_text("not a database" * 1000)
    result = run_alone("report", "--db", "notes.txt")
    assert result.exit_code == ExitCode.DATABASE
    assert result.stderr.startswith("engagement: notes.txt: ")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("command", [["ingest", "."], ["recompute"]])
def test_a_second_writer_is_told_who_writes(run_alone, database, command):
    with writer_lock(database):
        result = run_alone(*command, "--db", database)
    assert result.exit_code == ExitCode.DATABASE
    assert f"process {os.getpid()} is writing to this database" in result.stderr


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_an_interrupt_is_one_line_and_exit_130(run, monkeypatch, error):
    def interrupt(*_args):
        raise error

    monkeypatch.setattr("engagement.store.ingestion.ingest", interrupt)
    result = run("ingest", ".")
    assert result.exit_code == ExitCode.INTERRUPTED
    assert result.stderr == "engagement: interrupted; nothing half-done was kept\n"


class InterruptedTable:
    """A table that a Ctrl-C meets when DuckDB asks for its rows."""

    def __arrow_c_schema__(self):
        return pa.schema([("number", pa.int64())]).__arrow_c_schema__()

    def __arrow_c_stream__(self, requested_schema=None):
        raise KeyboardInterrupt


def interrupted_rows():
    """Rows whose reading a Ctrl-C meets halfway."""

    def batches():
        yield pa.record_batch({"number": [1]})
        raise KeyboardInterrupt

    return pa.RecordBatchReader.from_batches(pa.schema([("number", pa.int64())]), batches())


@pytest.mark.parametrize("make", [InterruptedTable, interrupted_rows])
def test_an_interrupt_while_duckdb_takes_rows_is_one(run, monkeypatch, make):
    def interrupt(*_args):
        with duckdb.connect() as connection:
            connection.register("batch", make())
            connection.execute("create table copy as select * from batch")

    monkeypatch.setattr("engagement.store.ingestion.ingest", interrupt)
    result = run("ingest", ".")
    assert result.exit_code == ExitCode.INTERRUPTED
    assert result.stderr == "engagement: interrupted; nothing half-done was kept\n"


def test_a_query_that_speaks_of_an_interrupt_is_none(run):
    result = run("sql", "select KeyboardInterrupt")
    assert result.exit_code == ExitCode.USAGE
    assert "KeyboardInterrupt" in result.stderr


def test_a_reader_that_has_enough_ends_the_command_quietly(database):
    query = "select a.* from log.car_state as a limit 100000"
    command = [*PROGRAM, "--db", str(database), "sql", "--csv", query]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait() == ExitCode.OK


@pytest.mark.parametrize(
    "command",
    [["--help"], ["report"], ["glossary"], *(["sql", o, "from segments"] for o in FORMATS)],
    ids=" ".join,
)
def test_a_full_disk_is_one_line_and_exit_1(database, command):
    with Path("/dev/full").open("wb") as full:
        found = subprocess.run(
            [*PROGRAM, "--db", str(database), *command],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert found.returncode == ExitCode.FAILED
    assert found.stderr == "engagement: can't write the output: No space left on device\n"


def test_a_closed_stdout_is_no_error(database):
    command = " ".join(f"'{word}'" for word in [*PROGRAM[:1], "-m", "engagement", "devices"])
    found = subprocess.run(
        ["sh", "-c", f"{command} --db '{database}' >&-"], capture_output=True, check=False
    )
    assert (found.returncode, found.stderr) == (ExitCode.OK, b"")


def test_an_error_of_duckdb_names_the_database(run, monkeypatch):
    def fail(*_args):
        raise duckdb.IOException("the block is damaged\nstack")

    monkeypatch.setattr("engagement.store.ingestion.ingest", fail)
    result = run("ingest", ".", "--db", "other.duckdb")
    assert result.exit_code == ExitCode.DATABASE
    assert result.stderr == "engagement: other.duckdb: DuckDB says: the block is damaged\n"


@pytest.mark.parametrize("module", ["engagement.cli.group", "duckdb", "engagement.store.reader"])
def test_an_interrupt_during_the_imports_is_one_line_and_exit_130(tmp_path, module):
    code = (
        "import importlib.abc, os, signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Finder(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        f"        if name == {module!r}:\n"
        "            os.kill(os.getpid(), signal.SIGINT)\n"
        "sys.meta_path.insert(0, Finder())\n"
        "from engagement.cli import main\n"
        "main(['report'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert found.returncode == ExitCode.INTERRUPTED
    assert found.stderr.startswith("engagement: interrupted")
    assert found.stderr.count("\n") == 1


def test_output_in_a_pipe_has_no_colour_and_is_not_cut(database):
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "40"}
    command = [*PROGRAM, "--db", str(database), "report"]
    found = subprocess.run(command, capture_output=True, check=True, env=environment, text=True)
    assert "\x1b" not in found.stdout + found.stderr
    assert "TOYOTA COROLLA TSS2 2019" in found.stdout
    assert "…" not in found.stdout


def test_every_error_has_an_exit_code_of_the_list():
    assert {error.exit_code for error in all_errors()} <= set(ExitCode)
