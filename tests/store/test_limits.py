"""The limits of counts that a database carries for its intervals."""

from __future__ import annotations

import subprocess
import sys

import duckdb
import pytest
from scipy import stats

from engagement.store import schema

LIMITS = "select n, poisson_lower, poisson_upper, t_quantile from store.confidence_limit order by n"


@pytest.fixture
def connection():
    with duckdb.connect() as connection:
        schema.create(connection)
        yield connection


def test_every_count_to_a_thousand_has_its_limits_once(connection):
    schema.create(connection)

    rows = connection.execute(LIMITS).fetchall()

    assert [row[0] for row in rows] == list(range(1001))
    assert rows[0] == (0, 0.0, pytest.approx(3.6888794541), None)
    for n in (1, 17, 1000):
        lower, upper = stats.chi2.ppf(0.025, 2 * n) / 2, stats.chi2.ppf(0.975, 2 * n + 2) / 2
        assert rows[n][1:] == pytest.approx((lower, upper, stats.t.ppf(0.975, n)))


def test_a_database_of_before_gets_them_too(monkeypatch):
    shipped = schema.migrations()
    monkeypatch.setattr(schema, "migrations", lambda: shipped[:1])
    with duckdb.connect() as connection:
        schema.migrate(connection)
        monkeypatch.setattr(schema, "migrations", lambda: shipped)

        assert schema.create(connection)

        assert len(connection.execute(LIMITS).fetchall()) == 1001


def test_reading_and_describing_a_database_does_without_scipy():
    code = (
        "import sys\n"
        "import engagement.store.ingestion, engagement.cli.rates\n"
        "from engagement.store.reader import describe\n"
        "assert 'rates' in describe()\n"
        "assert 'scipy' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
