"""Groups of parts of drives: what compares them gives each the interval that the views have."""

from __future__ import annotations

from random import Random

import pytest

from engagement.analysis.comparison import compare
from engagement.analysis.grouping import comparable_drives, divide, parse_grouping
from engagement.store.reader import Reader
from tests import builders
from tests.group_tables import random_tables
from tests.sql.test_rates import COMPUTED
from tests.support.empty_store import new_store


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    path = tmp_path_factory.mktemp("parts") / "engagement.duckdb"
    with new_store(path) as connection:
        builders.insert(connection, random_tables(Random(21), 120))
        for name in COMPUTED:
            connection.execute(f"insert into result.{name} by name from compute.{name}")
    return path


@pytest.mark.parametrize(
    ("by", "a", "b"), [("night", "day", "night"), ("experimental", "chill", "experimental")]
)
def test_the_parts_of_drives_have_the_intervals_of_the_view(database, by, a, b):
    with Reader(database) as reader:
        drives = comparable_drives(reader)
        division = divide(reader, parse_grouping(by), a, b, drives)
        assert set(division.a_drives) & set(division.b_drives)
        found = compare(reader, division, others=drives).find("interventions_per_hour")
        rows = reader.rows(
            "from rates where grouped_by = ? and mode = 'engaged' and event = 'intervention'", [by]
        )
    rate_by_group = {row["group_name"]: row for row in rows}
    for name, side in ((a, found.a), (b, found.b)):
        row = rate_by_group[name]
        assert (side.n_events, side.interval) == (
            row["n_events"],
            row["per_hour_dispersion_source"],
        )
        assert (side.value, side.lower, side.upper) == pytest.approx(
            (row["per_hour"], row["per_hour_lower"], row["per_hour_upper"]), rel=1e-9
        )
