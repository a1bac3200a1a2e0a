"""What a query of a served generation may take and see, and what of it is kept."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING

import duckdb
import pytest

from engagement.errors import (
    NotFoundError,
    QueryError,
    QueryTimeoutError,
    QueryTooLargeError,
    StoreOutdatedError,
)
from engagement.store.limits import deadline_for_all
from engagement.store.reader import Reader
from engagement.store.serving import Limits, Narrowing, Publication
from tests.store.publishing import ENDLESS, publish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def hasty(database: Path) -> Iterator[Publication]:
    """One whose queries have no time, but for the quickest."""
    publication = Publication(database, Limits(time_limit_s=0.3))
    yield publication
    publication.close()


def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_runs(hasty):
    with hasty.newest() as generation:
        started_at_s = time.monotonic()
        with pytest.raises(QueryTimeoutError, match=r"0\.3 s"):
            generation.rows(ENDLESS)
        assert time.monotonic() - started_at_s < 3
        assert generation.rows("select 1 as one") == [{"one": 1}]


def test_time_that_is_up_before_the_query_begins_is_up(publication):
    with publication.newest() as generation:
        narrowing = Narrowing("true", {})
        generation.in_memory("drives")
        generation.limits = Limits(time_limit_s=1e-6)
        with pytest.raises(QueryTimeoutError):
            generation.rows(ENDLESS, narrowing=narrowing)


def test_a_result_that_comes_too_slowly_is_stopped_while_it_is_read(publication):
    with (
        publication.newest() as generation,
        pytest.raises(QueryTimeoutError),
        generation.batches("from range(100000000000)", time_limit_s=0.2) as batches,
    ):
        for _ in batches:
            pass


def test_many_queries_at_once_are_stopped_each_by_its_own_time(hasty):
    def ask(number: int) -> str:
        with hasty.newest() as generation:
            try:
                generation.rows(ENDLESS if number % 2 else f"select {number} as number")
            except QueryTimeoutError:
                return "stopped"
        return "done"

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(16)))

    assert found == ["done", "stopped"] * 8


def test_a_result_with_more_bytes_than_allowed_is_an_error(database):
    publication = Publication(database, Limits(result_bytes=100_000))
    with publication.newest() as generation:
        assert generation.table("from range(10000)").num_rows == 10_000
        with pytest.raises(QueryTooLargeError, match="100000 bytes"):
            generation.table("from range(100000)")
    publication.close()


@pytest.mark.parametrize(
    "column",
    ["repeat('x', 1000)", "[repeat('x', 500), repeat('y', 500)]", "{'a': repeat('x', 1000)}",
     "range(125)"],
)  # fmt: skip
def test_the_bytes_of_texts_and_lists_count_too(database, column):
    publication = Publication(database, Limits(result_bytes=100_000))
    with publication.newest() as generation:
        for ask in (generation.rows, generation.table):
            assert len(ask(f"select {column} as column_0 from range(90)")) == 90
            with pytest.raises(QueryTooLargeError, match="100000 bytes"):
                ask(f"select {column} as column_0 from range(101)")
    publication.close()


def test_a_query_that_needs_more_memory_than_there_is_is_an_error(database):
    publication = Publication(database, Limits(memory_limit="32MB"))
    with publication.newest() as generation:
        with pytest.raises(QueryTooLargeError, match="memory"):
            generation.rows("select list(range) as all_of_them from range(20000000)")
        assert generation.rows("select 1 as one") == [{"one": 1}]
    publication.close()


@pytest.mark.parametrize(
    "query",
    [
        "from read_csv('/etc/passwd')",
        "from read_text('/etc/passwd')",
        "copy drive to '/tmp/stolen.csv'",
        "attach '/tmp/other.duckdb'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set memory_limit = '1TB'",
        "reset lock_configuration",
        "insert into engagement.log.drive values (1, 'a', 'b', 'c')",
        "drop table engagement.log.drive",
        "pragma enable_profiling",
        "",
        "selec",
    ],
)
def test_nothing_but_the_database_can_be_read_and_nothing_changed(publication, query):
    with publication.newest() as generation:
        before = generation.rows("select count(*) as n from log.drive")
        with pytest.raises(QueryError):
            generation.rows(query)
        assert generation.rows("select count(*) as n from log.drive") == before


def test_what_is_made_once_is_made_once_however_many_ask(publication):
    made = []

    def make() -> object:
        time.sleep(0.02)
        made.append(object())
        return made[-1]

    with publication.newest() as generation, ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: generation.cached("key", make), range(16)))

    assert len(made) == 1
    assert set(map(id, found)) == {id(made[0])}


def test_a_kept_view_has_the_views_rows(publication):
    with publication.newest() as generation:
        name = generation.in_memory("devices")
        assert generation.table(f"from {name}").equals(generation.table("from devices"))
        assert generation.in_memory("devices") == name
        with pytest.raises(NotFoundError, match="device"):
            generation.in_memory("device")


def test_a_narrowing_holds_for_one_query_and_no_other(database):
    publish(
        database,
        "insert into log.drive values (1, 'aa', 'one', 'h'), (2, 'bb', 'two', 'h'); "
        "insert into log.segment select drive_id, 0, 'rlog', 'none', drive, 1, 1, drive, 1, 'ok', "
        "null, 1, 0, 0, 1, null, now(), null from log.drive",
    )
    publication = Publication(database)
    both = [{"dongle_id": "aa"}, {"dongle_id": "bb"}]
    query = "select dongle_id from devices order by all"

    def ask(number: int) -> list[dict[str, str]]:
        narrowing = Narrowing("dongle_id = $name", {"name": "ab"[number % 2] * 2})
        with publication.newest() as generation:
            assert generation.rows(query) == both
            return generation.rows(query, narrowing=narrowing)

    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(ask, range(12)))

    assert found == [[{"dongle_id": "ab"[number % 2] * 2}] for number in range(12)]
    with publication.newest() as generation:
        assert not hasattr(generation, "narrow")  # which would hold for all threads
    publication.close()


def test_a_query_that_other_views_do_not_know_says_to_bring_them_up_to_date(database):
    publish(database, "update store.state set sql_hash = 'of another engagement'")
    publication = Publication(database)
    with publication.newest() as generation:
        with pytest.raises(StoreOutdatedError, match="engagement recompute"):
            generation.rows("select new_column from drives")
        with pytest.raises(QueryError, match="Parser"):
            generation.rows("selec")
    publication.close()


def test_columns_are_those_of_the_view_with_their_comments(database, publication):
    with publication.newest() as generation, Reader(database) as reader:
        for view in reader.views():
            columns = generation.columns(view)
            assert {name: one.comment for name, one in columns.items()} == reader.comments(view)
            assert list(columns) == reader.table(f"from {view} limit 0").column_names
        with pytest.raises(NotFoundError):
            generation.columns("store.state")


def test_all_queries_of_a_request_share_its_time(publication):
    spend = "select count(*) from range(100000000000) as one, range(1000) as other"
    with publication.newest() as generation:
        generation.limits = Limits(time_limit_s=20)
        began_s = time.monotonic()
        with deadline_for_all(0.5), ThreadPoolExecutor(1) as threads:
            time.sleep(0.3)
            assert generation.rows("select 1 as one") == [{"one": 1}]
            in_thread = threads.submit(copy_context().run, generation.rows, spend)
            with pytest.raises(QueryTimeoutError, match=r"0\.5 s"):
                in_thread.result()
            with pytest.raises(QueryTimeoutError, match=r"0\.5 s"):
                generation.rows("select 1 as one")
            with deadline_for_all(5):
                assert generation.rows("select 1 as one") == [{"one": 1}]
        assert time.monotonic() - began_s < 3
        assert generation.rows("select 1 as one") == [{"one": 1}]


def test_a_view_that_there_is_no_memory_to_copy_is_read_itself(database):
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            "create or replace view tuning as "
            "select range as drive_id, repeat(md5(range::varchar), 20) as text from range(100000)"
        )
    publication = Publication(database, Limits(memory_limit="20MB"))
    with publication.newest() as generation:
        for _ in range(8):
            source = generation.quickest("tuning")
            assert generation.rows(f"select drive_id from {source} limit 1") == [{"drive_id": 0}]
        assert generation.in_memory("tuning") == source == 'engagement.main."tuning"'
    publication.close()


def test_a_view_that_takes_too_long_to_copy_is_read_itself(database):
    with duckdb.connect(str(database)) as connection:
        connection.execute(
            f"create or replace view tuning as select 1 as drive_id union all ({ENDLESS})"
        )
    publication = Publication(database, Limits(time_limit_s=0.3))
    with publication.newest() as generation:
        started_s = time.monotonic()
        for _ in range(50):
            assert generation.quickest("tuning") == 'engagement.main."tuning"'
    publication.close()
    assert time.monotonic() - started_s < 5
