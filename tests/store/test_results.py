from __future__ import annotations

from random import Random

import duckdb
import pytest

from engagement.store import results
from engagement.store.views import load_views
from tests import builders
from tests.store.stores import differences
from tests.support.empty_store import new_store


@pytest.fixture
def connection():
    with new_store(memory_limit="256MB") as connection:
        for drive_id in (1, 2, 9):
            builders.insert(connection, builders.random_drive(Random(drive_id), drive_id))
        yield connection


def test_neighbours_are_refreshed_together_and_drives_that_lie_apart_are_not():
    n_messages = {1: 10, 2: 10, 3: 45, 90: 1, 91: 70}
    assert list(results._groups(n_messages, 60)) == [[1, 2], [3], [90], [91]]
    assert list(results._groups(n_messages, 70)) == [[1, 2, 3], [90], [91]]
    assert list(results._groups({}, 60)) == []


def test_drives_without_any_log_are_refreshed_too(connection, monkeypatch):
    refreshed = []
    monkeypatch.setattr(
        results, "_refresh_drives", lambda _, drives, __: refreshed.append([*drives])
    )

    results.refresh_in_groups(connection, [9, 1, 7])

    assert sorted(drive_id for group in refreshed for drive_id in group) == [1, 7, 9]


def test_much_to_do_is_done_in_larger_groups_with_more_memory(connection, monkeypatch):
    refreshed = []
    monkeypatch.setattr(
        results, "_refresh_drives", lambda _, drives, __: refreshed.append([*drives])
    )
    monkeypatch.setattr(results, "_GROUP_MESSAGES", 10)
    monkeypatch.setattr(results, "_BULK_GROUP_MESSAGES", 10**9)

    results.refresh_in_groups(connection, [1, 2])

    assert refreshed == [[1, 2]]
    assert connection.execute("select current_setting('memory_limit')").fetchall() == [
        ("953.6 MiB",)
    ]


def test_a_drive_too_long_for_the_memory_gets_more(connection, monkeypatch):
    refresh = results._refresh_drives
    refusals = [duckdb.OutOfMemoryException("could not allocate block")]

    def refuse_once(connection, drives, only):
        if refusals:
            raise refusals.pop()
        refresh(connection, drives, only)

    monkeypatch.setattr(results, "_refresh_drives", refuse_once)

    results.refresh_in_groups(connection, [1, 2])

    assert connection.execute("select count(*) from drives where known_s > 0").fetchall() == [(2,)]
    assert connection.execute("select current_setting('memory_limit')").fetchall() == [("1.8 GiB",)]


def test_groups_refreshed_side_by_side_have_the_rows_of_one_refresh(connection, monkeypatch):
    results.refresh(connection, [1, 2, 9])
    once = rows_of_results(connection)
    monkeypatch.setattr(results, "_GROUP_MESSAGES", 1)
    monkeypatch.setattr(results, "_BULK_GROUP_MESSAGES", 1)

    results.refresh_in_groups(connection, [1, 2, 9])

    assert differences(rows_of_results(connection), once) == []


def test_what_is_computed_once_for_several_views_gives_the_rows_of_the_views(connection):
    results.refresh(connection, [1, 2, 9])

    views = [view for view in load_views() if view.result and view.is_per_drive]
    kept = {view.name: connection.sql(f"from {view.result} order by all") for view in views}
    defined = {view.name: connection.sql(f"from {view.name} order by all") for view in views}
    assert differences(rows_by_name(kept), rows_by_name(defined)) == []
    assert connection.sql("from duckdb_tables() where temporary").fetchall() == []


def test_a_failure_in_one_of_the_threads_is_the_callers(connection, monkeypatch):
    def fail(_, drives, __):
        if drives == [2]:
            raise duckdb.IOException("no space left")

    monkeypatch.setattr(results, "_refresh_drives", fail)
    monkeypatch.setattr(results, "_GROUP_MESSAGES", 1)
    monkeypatch.setattr(results, "_BULK_GROUP_MESSAGES", 1)

    with pytest.raises(duckdb.IOException, match="no space left"):
        results.refresh_in_groups(connection, [1, 2, 9])


def rows_of_results(connection):
    tables = [view.result for view in load_views() if view.result]
    return rows_by_name({table: connection.sql(f"from {table} order by all") for table in tables})


def rows_by_name(found):
    return {
        name: [dict(zip(rows.columns, row, strict=True)) for row in rows.fetchall()]
        for name, rows in found.items()
    }
