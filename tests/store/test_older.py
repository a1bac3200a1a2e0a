"""A file of older tables and definitions is shown as its own views have it, and never written."""

from __future__ import annotations

import warnings

import duckdb
import pytest
from click.testing import CliRunner
from litestar.testing import TestClient

from engagement.api.app import create_app
from engagement.api.settings import Settings
from engagement.cli import main
from engagement.definitions import DEFINITIONS, OtherDefinitionsWarning
from engagement.errors import OtherDefinitionsError
from engagement.simulate import simulate
from engagement.store.described import describe
from engagement.store.ingestion import definitions_of
from engagement.store.limits import Limits
from engagement.store.query_types import Narrowing
from engagement.store.reader import Reader
from engagement.store.serving import Generation
from tests.older import write_older
from tests.store.stores import Store, differences, made_at

pytestmark = pytest.mark.filterwarnings("ignore::engagement.definitions.OtherDefinitionsWarning")

# Columns that mean something else now, or have another name, by what they were.
RENAMED = {
    ("rates", "exposure_h"): "engaged_h",
    ("rates", "exposure_km"): "engaged_km",
    ("drives", "started_at"): "started_at_utc",
    ("event_labels", "event_kind"): "kind",
    ("interventions", "event_kind"): "kind",
    ("interventions", "event_mono_ns"): "mono_ns",
}


@pytest.fixture
def older(tmp_path):
    store = Store(tmp_path)
    store.logs.mkdir()
    write_older(store.database)
    return store


@pytest.fixture
def own(older):
    """The file itself, as the program that made it reads it."""
    with duckdb.connect(str(older.database), read_only=True) as connection:
        yield connection


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def rows(connection, view):
    relation = connection.sql(f"from {view}")
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def ordered(found):
    return sorted(found, key=repr)


def test_every_view_has_the_rows_of_then_in_the_columns_of_now(older, own):
    told = set()
    query = "select view_name from duckdb_views() where schema_name = 'main' and not internal"
    views_then = {name for (name,) in own.execute(query).fetchall()}
    with Reader(older.database) as reader:
        assert reader.definitions == 1
        for view, (_, columns) in describe().items():
            then = rows(own, view) if view in views_then else []
            shown = rows(reader.connection, view)
            assert [list(row) for row in shown[:1]] in ([], [list(columns)])
            assert len(shown) == len(then), view
            had = set(then[0]) if then else set()
            for column in columns:
                name = RENAMED.get((view, column), column)
                if name in had and (view, column) != ("drives", "started_at_utc"):
                    told.add((view, column))
                    was = ordered([{column: row[name]} for row in then])
                    assert ordered([{column: row[column]} for row in shown]) == was, view
                elif column == "mode":
                    assert {row[column] for row in shown} <= {"engaged"}
                elif name not in had and column != "started_at_local":
                    assert all(row[column] is None for row in shown), (view, column)
    assert set(RENAMED) <= told
    assert len(told) > 300


def test_local_times_are_not_told_as_utc(older, own):
    [(n_local,)] = own.execute("select count(*) from drives where clock_source = 'name'").fetchall()
    assert n_local
    for row in older.rows("from drives"):
        is_local = row["clock_source"] == "name"
        assert (row["started_at_local"] is not None) == is_local
        assert (row["started_at_utc"] is None) == is_local
        assert row["started_at"] == (row["started_at_local"] or row["started_at_utc"])


def test_a_meaning_is_that_of_then_where_there_was_one(older, own):
    query = (
        "select column_name, comment from duckdb_columns() where table_name = 'drives' "
        "and schema_name = 'main'"
    )
    then = dict(own.execute(query).fetchall())
    now = describe()["drives"][1]
    with Reader(older.database) as reader:
        said = reader.comments("drives")
    assert said.keys() == now.keys()
    for column, words in said.items():
        if column in then:
            assert words == then[column]
        else:
            assert words.startswith(now[column])
            assert column == "started_at" or "null until" in words or "local" in column


def test_filters_narrow_the_views_of_then_too(older, own):
    query = (
        "select sum(n_drives) as n from rates where grouped_by = 'all' and event = 'disengagement'"
    )
    [(n_all,)] = own.execute(query).fetchall()
    condition, parameters = "dongle_id = $device", {"device": "7f0e1d2c3b4a5968"}
    with Reader(older.database) as reader:
        assert reader.rows(query) == [{"n": n_all}]
        reader.narrow(condition, parameters)
        assert reader.rows(query) == [{"n": 1}]
    generation = Generation(older.database, Limits())
    narrowing = Narrowing(condition, parameters)
    assert generation.rows(query, narrowing=narrowing) == [{"n": 1}]
    assert generation.rows(query) == [{"n": n_all}]
    generation.close()
    assert n_all > 1


def test_it_is_told_in_one_line_and_the_file_stays_as_it_is(older):
    before = older.state(), older.database.read_bytes()
    for command in ("report", "rates", "events", "devices", "drives", "status", "glossary"):
        answer = run(command, "--db", older.database)
        assert answer.exit_code == 0, answer.stderr
        [line] = [line for line in answer.stderr.splitlines() if "definitions" in line]
        assert "are of definitions 1, those of this engagement are 2" in line
        assert "`engagement recompute`" in line
    assert (older.state(), older.database.read_bytes()) == before
    assert {path.name for path in older.folder.iterdir()} == {"engagement.duckdb", "rlogs"}


@pytest.mark.parametrize("remedy", ["ingest", "recompute"])
def test_each_remedy_migrates_computes_anew_once_and_loses_no_label(older, own, remedy):
    labels = own.execute("from event_labels").fetchall()
    own.close()
    arguments = (remedy, older.logs) if remedy == "ingest" else (remedy,)

    first = run(*arguments, "--db", older.database)

    said = f"numbers of definitions 1 are of {DEFINITIONS} now"
    assert first.exit_code == 0, first.stderr
    assert said in first.stderr
    assert definitions_of(older.database) == DEFINITIONS
    assert labels
    assert len(older.rows("from event_labels")) == len(labels)
    with warnings.catch_warnings():
        warnings.simplefilter("error", OtherDefinitionsWarning)
        found = older.rows("select * from drives where n_unplanned_interventions is not null")
    assert len(found) == 2
    assert said not in run(*arguments, "--db", older.database).stderr


LAST_VERSION_OF_1 = 4
READ = ("--profile", "none")
UNREAD = "fields that the older engagement did not read stay empty until"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A database of this program's, of drives that have what older programs did not read."""
    store = Store(tmp_path_factory.mktemp("fresh"))
    for _ in simulate(store.logs, drives=2, seed=3):
        pass
    store.ingest()
    return store


@pytest.fixture
def outdated(fresh, tmp_path):
    """The same drives as an older program kept them: without what it did not read."""
    store = Store(tmp_path)
    made_at(LAST_VERSION_OF_1, fresh.database, store.database)
    return store


def test_an_ingest_reads_again_what_an_older_program_read_less_of(fresh, outdated):
    n_segments = len(fresh.segments())
    listed = run("ingest", fresh.logs, *READ, "--dry-run", "--db", outdated.database)
    assert f"{n_segments} unchanged segments to read again" in listed.stderr

    first = run("ingest", fresh.logs, *READ, "--db", outdated.database)

    assert first.exit_code == 0, first.stderr
    assert f"{n_segments} unchanged segments to read again" in first.stderr
    assert differences(outdated.views(), fresh.views()) == []
    again = run("ingest", fresh.logs, *READ, "--db", outdated.database)
    assert "to read again" not in again.stderr
    assert f"{n_segments} unchanged" in again.stderr


def test_logs_that_are_gone_stay_as_they_were_read(fresh, outdated):
    outdated.logs.mkdir()
    report = outdated.ingest()
    assert (report.n_read_again, report.n_ingested) == (0, 0)
    assert outdated.segments() == fresh.segments()


def test_a_recompute_says_what_stays_empty_until_the_logs_are_read(fresh, outdated):
    first = run("recompute", "--db", outdated.database)
    assert first.exit_code == 0, first.stderr
    assert f"{UNREAD} `engagement ingest --reprocess`" in first.stderr
    assert differences(outdated.views(), fresh.views()) != []
    assert UNREAD not in run("recompute", "--db", outdated.database).stderr

    run("ingest", fresh.logs, *READ, "--reprocess", "--db", outdated.database)
    assert differences(outdated.views(), fresh.views()) == []


@pytest.mark.parametrize("what", ["database", "track", "clip"])
def test_no_redacted_copy_is_made_of_it(older, what, tmp_path):
    with Reader(older.database) as reader:
        [row] = reader.rows("select event_id, drive from events limit 1")
    named = {"database": (), "track": (row["drive"],), "clip": (row["event_id"],)}
    name = {"database": "out.duckdb", "track": "track.csv", "clip": "out.csv"}[what]
    out = tmp_path / name

    result = run("redact", what, *named[what], "--out", out, "--db", older.database)

    assert result.exit_code == 4
    said = result.stderr.splitlines()[-1]
    assert "no redacted copy" in said
    assert "are of definitions 1, those of this engagement are 2; `engagement recompute`" in said
    assert not out.exists()


def test_what_would_take_both_together_is_refused_with_the_remedy(older):
    refused = "are of definitions 1, those of this engagement are 2; `engagement recompute`"
    groups = ("7f0e1d2c3b4a5968", "4d3c2b1a09f8e7d6")
    compared = run("compare", "--by", "device", *groups, "--db", older.database)
    assert compared.exit_code == 4
    assert refused in compared.stderr.splitlines()[-1]
    rated = run("rates", "--labels", "true", "--db", older.database)
    assert rated.exit_code == 4
    assert refused in rated.stderr.splitlines()[-1]
    with Reader(older.database) as reader, pytest.raises(OtherDefinitionsError):
        reader.count_labelled(["true"])

    app = create_app(older.database, settings=Settings(requests_per_s=0))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        parameters = dict(zip("ab", groups, strict=True), by="device")
        for path in ("/api/v1/comparison", "/compare"):
            answer = client.get(path, params=parameters)
            assert answer.status_code == 409
            assert "`engagement recompute`" in answer.text or "engagement recompute" in answer.text
        assert client.get("/api/v1/rates", params={"labels": "true"}).status_code == 409
        assert client.get("/compare").status_code == 200


def test_the_server_shows_the_newer_numbers_once_they_are_there(older):
    app = create_app(older.database, settings=Settings(requests_per_s=0))
    with TestClient(app, base_url="http://127.0.0.1") as client:
        for wanted in (1, DEFINITIONS):
            answer = client.get("/api/v1/drives")
            assert answer.headers["engagement-definitions"] == str(wanted)
            assert ("These numbers are of definitions 1" in client.get("/").text) == (wanted == 1)
            run("recompute", "--db", older.database)
