"""An empty answer says why."""

from __future__ import annotations

import json
import re
import shlex
from functools import cache
from itertools import chain

import pytest
from click.testing import CliRunner

from engagement.cli import main
from engagement.cli.exit_codes import ExitCode
from engagement.store.database_writer import Writer, writer_lock
from tests.support.terminal import raw_in_terminal

FILTERS = [
    ["--since", "2099-01-01"],
    ["--device", "4d3c"],
    ["--critical"],
    ["--cause", "system"],
    ["--kind", "lateral_override"],
    ["--unlabelled"],
    ["--label", "true"],
]


@pytest.fixture
def empty(tmp_path):
    path = tmp_path / "empty.duckdb"
    with writer_lock(path), Writer(path) as writer:
        writer.publish()
    return path


@pytest.mark.parametrize("command", ["report", "rates", "drives", "devices", "events"])
def test_nothing_there_yet_says_how_to_get_something(run_alone, empty, command):
    result = run_alone(command, "--db", empty)
    assert (result.exit_code, result.stdout) == (ExitCode.OK, "")
    [typed] = re.findall("`(.*)`", result.stderr)
    assert "no drives in the database yet" in result.stderr
    assert shlex.split(typed)[-4:] == ["ingest", "FOLDER", "--db", str(empty)]


@pytest.fixture(scope="module")
def n_events(database):
    """How many events fit some filters, in any order."""

    @cache
    def count(options):
        command = ["--db", str(database), "events", "--json", *chain(*options)]
        return len(json.loads(CliRunner().invoke(main, command).stdout))

    return lambda *options: count(frozenset(map(tuple, options)))


@pytest.mark.parametrize("first", FILTERS, ids=" ".join)
@pytest.mark.parametrize("second", FILTERS, ids=" ".join)
def test_each_option_that_left_nothing_is_told_with_what_would_be_without_it(
    run, n_events, first, second
):
    if first[0] == second[0] or n_events(first, second):
        pytest.skip("no question")
    stderr = run("events", *first, *second).stderr
    for option, rest in ((first, second), (second, first)):
        assert " ".join(option) in stderr
        without = n_events(rest)
        assert (f"{without} without {' '.join(option)}" in stderr) == (without > 0)


def test_drives_that_are_filtered_away_are_told_of_each_filter(run):
    stderr = run("drives", "--since", "2023-01-01", "--device", "4d3c").stderr
    assert stderr == (
        "no drive fits --device 4d3c and --since 2023-01-01 together; "
        "there would be 1 without --device 4d3c, 1 without --since 2023-01-01\n"
    )


def test_ingest_ends_with_what_to_do_next_for_who_reads_along(logs, tmp_path, run_alone):
    database = tmp_path / "with blank.duckdb"
    shown = raw_in_terminal("ingest", logs, "--db", database, columns=400).decode()
    [line] = [line for line in shown.splitlines() if "next: " in line]
    report, serve = (shlex.split(command) for command in re.findall("`(.*?)`", line))
    assert report[-3:] == ["report", "--db", str(database)]
    assert serve[-3:] == ["serve", "--db", str(database)]
    again = raw_in_terminal("ingest", logs, "--db", database, columns=400).decode()
    assert "next: " not in again
    assert "next" not in run_alone("ingest", logs, "--db", tmp_path / "piped.duckdb").output
