"""Commands on a lake, and what they say of one that can't be used."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from engagement.cli import main
from engagement.errors import LakeExtraError
from engagement.store import lake_file
from engagement.store.reader import new_instance
from tests.lake.lakes import SETTINGS
from tests.store.small_logs import ONE, write


def run(*words):
    return CliRunner().invoke(main, [str(word) for word in words])


def run_on(lake, *words):
    return run("--db", lake.database, *words)


def assert_refused(result, status, *said):
    assert result.exit_code == status, result.output
    assert result.stdout == ""
    assert result.stderr.startswith(("engagement: ", "Usage: "))
    assert "Traceback" not in result.stderr
    for words in said:
        assert words in result.stderr


def test_commands_read_a_lake_as_they_read_a_file(lake, single):
    write(lake.logs, ONE, 0)
    single.ingest(lake.logs)
    done = run_on(lake, "ingest", lake.logs)
    assert done.exit_code == 0, done.output
    for words in (
        ["report", "--csv"],
        ["rates", "--json"],
        ["events", "--csv"],
        ["drives", "--csv"],
        ["devices", "--json"],
        ["sql", "--csv", "select event_kind, cause, time_s from events order by all"],
        ["compare", "--by", "branch", "a", "b"],
        ["glossary", "intervention"],
    ):
        mine, theirs = run_on(lake, *words), run_on(single, *words)
        assert mine.stdout == theirs.stdout, words
        assert mine.exit_code == theirs.exit_code, words


def test_status_says_what_is_there(lake):
    write(lake.logs, ONE, 0)
    write(lake.logs, ONE, 1)
    lake.ingest()
    found = json.loads(run_on(lake, "lake", "status", "--json").stdout)
    assert found["n_drives"] == 1
    n_rows = {table["table"]: table["n_rows"] for table in found["tables"]}
    assert n_rows["log.segment"] == 2
    [counted] = lake.rows("select count(*) as n from log.car_state")
    assert n_rows["log.car_state"] == counted["n"]
    assert "1 drive in" in run_on(lake, "lake", "status").stderr


@pytest.mark.parametrize(
    "words",
    [["recompute"], ["name", "a1b2", "Blue"], ["serve", "--port", "0"], ["shell"]],
    ids=" ".join,
)
def test_what_needs_one_file_refuses_a_lake(lake, words):
    assert_refused(run_on(lake, *words), 4, "lake.toml: that is a lake")


def test_a_lake_is_made_once(lake):
    assert_refused(run_on(lake, "lake", "init"), 4, "there is a lake already")
    lake.database.with_name("catalog.sqlite").unlink()
    assert_refused(run_on(lake, "report"), 4, "no such database")


def test_a_lake_of_other_views_is_not_written(lake, monkeypatch):
    monkeypatch.setattr("engagement.lake.catalog.is_current", lambda _: False)
    write(lake.logs, ONE, 0)
    assert_refused(run_on(lake, "ingest", lake.logs), 4, "made by another engagement")


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ("catalog = 1", "catalog"),
        ('catalog = "c.sqlite"', "data"),
        (SETTINGS + 'password = "1"', "password"),
        (SETTINGS.replace('"data"', '"s3://bucket"'), "data: 's3://bucket' is no path"),
        ("catalog", "after a key"),
    ],
)
def test_a_file_that_names_no_lake_is_one_line(tmp_path, settings, problem):
    path = tmp_path / "lake.toml"
    path.write_text(settings)
    assert_refused(run("report", "--db", path), 2, "lake.toml: ", problem)


def test_a_missing_file_and_another_name_are_one_line(tmp_path):
    assert_refused(run("lake", "init", "--db", tmp_path / "lake.toml"), 2, "docs/fleet.md")
    assert_refused(run("report", "--db", tmp_path / "lake.toml"), 4, "`engagement lake init`")
    assert_refused(run("lake", "status", "--db", tmp_path / "x.duckdb"), 2, ".toml")


@pytest.mark.parametrize("is_there", [True, False])
def test_without_the_extra_or_with_another_duckdb_one_line_says_what_to_do(
    tmp_path, monkeypatch, is_there
):
    path = tmp_path / "lake.toml"
    path.write_text(SETTINGS)
    (tmp_path / "catalog.sqlite").touch()
    found = type("Spec", (), {"origin": str(tmp_path / "__init__.py")}) if is_there else None
    monkeypatch.setattr(lake_file, "find_spec", lambda _: found)
    assert_refused(run("report", "--db", path), 2, "pip install 'engagement[fleet]'")
    with new_instance() as connection, pytest.raises(LakeExtraError):
        lake_file.load_extensions(connection)
