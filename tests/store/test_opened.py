"""`engagement.open`: the views from Python, read-only."""

from __future__ import annotations

import duckdb
import pytest

import engagement
from engagement.errors import NotFoundError, QueryError, StoreMissingError
from tests.store.small_logs import ONE, OTHER


@pytest.fixture
def database(two_drives):
    with engagement.open(two_drives.database) as opened:
        yield opened


def test_views_are_relations_and_say_what_they_hold(database):
    assert database.views()["drives"]
    assert list(database.columns("drives")) == database.view("drives").columns
    narrowed = database.view("drives").filter(f"drive = '{ONE.name}'").project("dongle_id")
    assert narrowed.fetchall() == [(ONE.dongle_id,)]
    with pytest.raises(NotFoundError, match="did you mean 'drives'"):
        database.view("drive")


def test_queries_take_parameters_and_write_nothing(database):
    query = "select count(*) as n from drives where drive <> ?"
    assert database.table(query, [OTHER.name]).to_pylist() == [{"n": 1}]
    assert database.sql(query, [OTHER.name]).fetchall() == [(1,)]
    with pytest.raises(QueryError):
        database.table("select * from nothing_like_this")
    for query in ("create table engagement.main.x (a int)", "from '/etc/passwd'"):
        with pytest.raises(QueryError):
            database.table(query)
        with pytest.raises(duckdb.Error):
            database.sql(query)


def test_there_has_to_be_a_database(tmp_path):
    with pytest.raises(StoreMissingError):
        engagement.open(tmp_path / "none.duckdb")
