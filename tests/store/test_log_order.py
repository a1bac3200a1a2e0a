"""What tells whether rows lie as they were logged, and results that go by it."""

from __future__ import annotations

from random import Random

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.store import log_order, results
from engagement.store.log_order import TABLES, drives_out_of_order
from engagement.store.views import load_views
from tests import builders
from tests.store.stores import differences
from tests.store.test_results import rows_of_results
from tests.support.empty_store import new_store

ROWS = st.lists(st.tuples(*(st.integers(1, 3) for _ in range(4))), max_size=7)


@pytest.fixture(scope="module")
def rows_as_written():
    with duckdb.connect() as connection:
        columns = "drive_id integer, mono_ns bigint, segment_num integer, message_num integer"
        connection.execute(f"create table log_rows ({columns})")
        yield connection


@settings(max_examples=200)
@given(ROWS, st.booleans())
def test_a_drive_is_in_order_if_its_rows_lie_together_by_time_and_by_message(
    rows_as_written, rows, is_sorted
):
    written = sorted(set(rows)) if is_sorted else rows
    rows_as_written.execute("delete from log_rows")
    for row in written:
        rows_as_written.execute("insert into log_rows values (?, ?, ?, ?)", row)
    query = log_order._OUT_OF_ORDER.format(table="log_rows", condition="drive_id between 1 and 2")
    found = {drive_id for (drive_id,) in rows_as_written.execute(query).fetchall()}
    assert found == out_of_order([row for row in written if row[0] <= 2])


def out_of_order(rows):
    """Drives whose rows are in several runs, or that have one before the row that it follows."""
    before = [(0, 0, 0, 0), *rows]
    pairs = list(zip(before, rows, strict=False))
    starts = [row[0] for previous, row in pairs if previous[0] != row[0]]
    apart = {drive_id for drive_id in starts if starts.count(drive_id) > 1}
    same_drive = [(previous, row) for previous, row in pairs if previous[0] == row[0]]
    late = {row[0] for old, row in same_drive if row[1] < old[1] or row[2:] <= old[2:]}
    return apart | late


def test_results_are_the_same_in_whatever_order_rows_lie():
    with new_store(memory_limit="256MB") as connection:
        for drive_id in (2, 5, 9):
            builders.insert(connection, builders.random_drive(Random(drive_id), drive_id))
        assert drives_out_of_order(connection, "true") == set()
        results.refresh(connection, [2, 5, 9])
        before = rows_of_results(connection)
        for table in TABLES:
            connection.execute(f"create temp table shuffled as from {table} order by hash(mono_ns)")
            connection.execute(f"delete from {table}")
            connection.execute(f"insert into {table} from shuffled")
            connection.execute("drop table shuffled")
        assert drives_out_of_order(connection, "true") == {2, 5, 9}

        results.refresh(connection, [2, 5, 9])

        assert differences(rows_of_results(connection), before) == []


AS_LOGGED = [view for view in load_views() if "as_logged as (" in view.text]


@pytest.mark.parametrize("view", AS_LOGGED, ids=lambda view: view.name)
def test_rows_in_order_are_not_sorted_for_the_windows_over_them(view):
    with new_store() as connection:
        builders.insert(connection, builders.random_drive(Random(2), 2))
        query = view.query("drive_id between 2 and 2", is_in_order=True)
        [(_, plan)] = connection.execute(f"explain (format json) {query}").fetchall()
        assert plan.count('"STREAMING_WINDOW"') >= 1
