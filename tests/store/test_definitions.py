"""Results know the definitions that they are of: stored, told, and computed anew once."""

from __future__ import annotations

import json
import warnings

import duckdb
import pyarrow.parquet
import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.api.settings import Settings
from engagement.cli import main
from engagement.definitions import DEFINITIONS, OtherDefinitionsWarning
from engagement.export.view_files import write_parquet
from engagement.store.ingestion import definitions_of, recompute
from engagement.store.labels import label_events
from engagement.store.reader import Reader

OLDER = "update store.state set definitions = null, sql_hash = 'of then'"


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def older(begun):
    """A database with results from before definitions had a number, all its events labelled."""
    with Reader(begun.database) as reader:
        events = [row["event_id"] for row in reader.rows("select event_id from events")]
    label_events(begun.database, events, "true")
    with duckdb.connect(str(begun.database)) as connection:
        connection.execute(OLDER)
        connection.execute("update result.drive_metrics set n_interventions = 77")
    return begun


def interventions(store):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OtherDefinitionsWarning)
        return [row["n"] for row in store.rows("select n_interventions as n from drives")]


def test_a_database_is_of_this_programs_definitions(two_drives):
    with Reader(two_drives.database) as reader:
        assert reader.definitions == DEFINITIONS == definitions_of(two_drives.database)


def test_older_results_are_served_as_they_are_and_told_in_a_line(older):
    with pytest.warns(OtherDefinitionsWarning, match="are of definitions 1, "):
        Reader(older.database).close()
    before = older.state()

    answer = run("report", "--json", "--db", older.database)

    assert answer.exit_code == 0
    document = json.loads(answer.stdout)
    assert document["definitions"] == 1
    assert {drive["n_interventions"] for drive in document["drives"]} == {77}
    [line] = answer.stderr.splitlines()
    assert "definitions 1" in line
    assert "`engagement recompute`" in line
    status = run("status", "--db", older.database)
    assert "definitions 1\n" in status.stdout
    assert older.state() == before


@pytest.mark.parametrize("remedy", ["ingest", "recompute"])
def test_each_remedy_computes_them_anew_once_says_so_and_keeps_labels(older, remedy):
    arguments = (remedy, older.logs) if remedy == "ingest" else (remedy,)

    first = run(*arguments, "--db", older.database)

    said = f"numbers of definitions 1 are of {DEFINITIONS} now"
    assert first.exit_code == 0
    assert said in first.stderr
    assert definitions_of(older.database) == DEFINITIONS
    assert 77 not in interventions(older)
    labels = older.rows("select event_id, label from event_labels")
    assert len(labels) > 2
    assert all(row["event_id"] and row["label"] == "true" for row in labels)

    generation = older.generation()
    again = run(*arguments, "--db", older.database)
    assert said not in again.stderr
    if remedy == "ingest":
        assert older.generation() == generation


def test_the_document_of_an_ingest_has_both_numbers(older):
    document = json.loads(run("ingest", older.logs, "--json", "--db", older.database).stdout)
    assert (document["definitions_before"], document["definitions"]) == (1, DEFINITIONS)
    assert document["n_recomputed"] == 2


def test_parquet_files_say_of_which_definitions_they_are(older, tmp_path):
    for wanted in (1, DEFINITIONS):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OtherDefinitionsWarning)
            with Reader(older.database) as reader:
                write_parquet(reader, "drives", tmp_path / "drives.parquet")
        metadata = pyarrow.parquet.read_schema(tmp_path / "drives.parquet").metadata
        assert metadata[b"definitions"] == str(wanted).encode()
        recompute(older.database)


def test_answers_of_the_server_have_them_in_a_header(older):
    for wanted in (1, DEFINITIONS):
        app = create_app(older.database, settings=Settings(requests_per_s=0))
        with (
            warnings.catch_warnings(),
            TestClient(app, base_url="http://127.0.0.1") as client,
        ):
            warnings.simplefilter("ignore", OtherDefinitionsWarning)
            for path in ("/api/v1/drives", "/drives", "/api/v1/views/drives/csv"):
                answer = client.get(path)
                assert answer.status_code == 200, path
                assert answer.headers["engagement-definitions"] == str(wanted)
            page = client.get("/").text
            assert f"definitions {wanted} " in page
            assert ("These numbers are of definitions 1" in page) == (wanted == 1)
        recompute(older.database)


def test_the_version_says_them():
    assert run("--version").stdout.strip().endswith(f", definitions {DEFINITIONS}")
