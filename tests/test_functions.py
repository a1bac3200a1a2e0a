"""The functions for Python say what the commands say."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest
from click.testing import CliRunner

import engagement
from engagement.cli import main
from engagement.errors import InputError, NotFoundError
from engagement.simulate import BUSY, simulate


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rlogs")
    for _ in simulate(folder, drives=3, calm=BUSY):
        pass
    return folder


@pytest.fixture(scope="module")
def database(logs, tmp_path_factory):
    path = tmp_path_factory.mktemp("database") / "engagement.duckdb"
    report = engagement.ingest(str(logs), db=path, profile="none", jobs=1)
    assert report.n_ingested
    assert not report.problems
    return path


def said(*words):
    found = CliRunner().invoke(main, [*map(str, words), "--json"])
    assert found.exit_code == 0, found.stderr
    return json.loads(found.stdout)


def test_an_ingest_takes_filters_and_finds_nothing_new(database, logs):
    report = engagement.ingest(logs, db=database, profile="none", since="2999-01-01")
    assert report.n_ingested == 0
    assert report.n_filtered


@pytest.mark.parametrize("by", ["all", "version", "car,night"])
def test_rates_are_those_of_the_command(database, by):
    table = engagement.rates(database, by=by)
    rows = said("rates", "--by", by, "--db", database)["rates"]
    key = ("group_name", "event")
    own = sorted(table.to_pylist(), key=lambda row: [row[name] for name in key])
    assert own == sorted(rows, key=lambda row: [row[name] for name in key])


def test_filters_select_drives(database):
    with engagement.open(database) as opened:
        [(version, n_drives)] = opened.sql(
            "select version, count(*) from drives group by 1 order by 1 limit 1"
        ).fetchall()
    table = engagement.rates(database, version=version)
    assert {row["n_drives"] for row in table.to_pylist()} <= {n_drives, 0}


@pytest.mark.parametrize("by", ["mode", "speed-band", "version,hour"])
def test_groups_have_the_mode_and_the_order_of_the_command(database, by):
    rows = engagement.rates(database, by=by).to_pylist()
    document = said("rates", "--by", by, "--db", database)
    names = [(row["mode"], row["group_name"], row["event"]) for row in rows]
    assert names == [(row["mode"], row["group_name"], row["event"]) for row in document["rates"]]


def test_a_comparison_is_that_of_the_command(database):
    with engagement.open(database) as opened:
        a, b = (
            row[0]
            for row in opened.sql(
                "select distinct version from drives order by 1 limit 2"
            ).fetchall()
        )
    compared = engagement.compare(a, b, database, by="version")
    document = said("compare", "--by", "version", a, b, "--db", database)
    assert compared.said.verdict == document["verdict"]
    assert compared.comparison.n_others == document["n_others"]
    assert asdict(compared.comparison.a) == document["a"] | {"cars": tuple(document["a"]["cars"])}


def test_what_there_is_not_is_said_with_the_nearest(database):
    with pytest.raises(InputError, match="did you mean 'branch'"):
        engagement.rates(database, brnch="x")
    with pytest.raises(InputError, match="no date"):
        engagement.rates(database, since="yesterday")
    with pytest.raises(NotFoundError):
        engagement.rates(database, version="nothing")
    with pytest.raises(InputError, match="no filter 'car'"):
        engagement.ingest(database.parent, db=database, car="x")
