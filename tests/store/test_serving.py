from __future__ import annotations

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.errors import (
    NotFoundError,
    QueryError,
    QueryTimeoutError,
    QueryTooLargeError,
    StoreError,
    StoreMissingError,
    StoreOutdatedError,
    StoreVersionError,
)
from engagement.store import serving
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.limits import deadline_for_all
from engagement.store.reader import Reader
from engagement.store.serving import Generation, Limits, Narrowing, Publication
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDLESS = "select count(*) from range(100000000000) as one, range(1000000) as other"
NUMBER = "select generation from store.state"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "engagement.duckdb"
    publish(path)
    return path


@pytest.fixture
def database(empty: Path, tmp_path: Path) -> Path:
    path = tmp_path / "engagement.duckdb"
    shutil.copyfile(empty, path)
    return path


@pytest.fixture
def publication(database: Path) -> Iterator[Publication]:
    publication = Publication(database, Limits(time_limit_s=0.3))
    yield publication
    publication.close()


def publish(path: Path, statement: str = "select 1") -> None:
    with writer_lock(path), Writer(path) as writer:
        writer.connection.execute(statement)
        writer.publish()


def is_open(generation: Generation) -> bool:
    try:
        generation._reader.connection.cursor().close()
    except duckdb.ConnectionException:
        return False
    return True


def test_a_request_after_a_publish_sees_it_and_one_before_goes_on_as_it_was(database, publication):
    with publication.newest() as older:
        publish(database, "create table note as select 'new' as words")
        with publication.newest() as newer:
            assert newer.number == older.number + 1
            assert newer.published_at_utc > older.published_at_utc
            assert newer.rows("select words from note") == [{"words": "new"}]
        assert older.rows(NUMBER) == [{"generation": older.number}]
        with pytest.raises(QueryError, match="note"):
            older.rows("select words from note")


def test_one_generation_is_opened_once_and_closed_when_its_last_reader_is_done(
    database, publication
):
    with publication.newest() as first, publication.newest() as second:
        assert first is second
        publish(database)
        with publication.newest() as newer:
            assert newer is not first
        assert is_open(first)
    assert not is_open(first)
    assert is_open(newer)
    publication.close()
    assert not is_open(newer)


def test_published_at_is_in_utc(database, publication):
    with publication.newest() as generation, Reader(database) as reader:
        [row] = reader.rows("select published_at_utc from store.state")
        assert generation.published_at_utc.utcoffset() == timedelta(0)
        assert generation.published_at_utc.replace(tzinfo=None) == row["published_at_utc"]


def test_a_missing_database_is_an_error_until_it_is_there(empty, tmp_path):
    publication = Publication(tmp_path / "later.duckdb")

    with pytest.raises(StoreMissingError), publication.newest():
        pass
    shutil.copyfile(empty, tmp_path / "later.duckdb")

    with publication.newest() as generation:
        assert generation.rows("select count(*) as n from drives") == [{"n": 0}]
    publication.close()


def test_a_database_that_is_taken_away_is_not_answered_from(database, publication):
    with publication.newest():
        pass
    database.unlink()

    with pytest.raises(StoreMissingError), publication.newest():
        pass


def test_a_database_of_another_version_is_refused_until_it_is_replaced(database, publication):
    right = database.read_bytes()
    with duckdb.connect(str(database)) as connection:
        connection.execute("insert into store.schema_migration values (9999, 'x', 'x', now())")

    for _ in range(2):
        with pytest.raises(StoreVersionError), publication.newest():
            pass
    database.unlink()
    database.write_bytes(right)

    with publication.newest() as generation:
        assert generation.rows("select 1 as one") == [{"one": 1}]


@pytest.mark.parametrize("content", [b"", b"not a database at all" * 1000, b"\0" * 20_000])
def test_a_file_that_is_no_database_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "junk.duckdb"
    path.write_bytes(content)
    publication = Publication(path)

    with pytest.raises(StoreError, match="junk"), publication.newest():
        pass


def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_runs(publication):
    with publication.newest() as generation:
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


def test_many_queries_at_once_are_stopped_each_by_its_own_time(publication):
    def ask(number: int) -> str:
        with publication.newest() as generation:
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


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.sampled_from(["ask", "finish", "publish"]), min_size=1, max_size=10))
def test_whatever_the_order_each_request_has_the_newest_and_nothing_stays_open(empty, steps):
    folder = empty.parent / "steps"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "engagement.duckdb"
    shutil.copyfile(empty, path)
    publication = Publication(path)
    published, running, seen = 1, [], []

    for step in steps:
        if step == "publish":
            publish(path)
            published += 1
        elif step == "ask":
            running.append(publication.acquire_open() or publication.acquire())
            seen.append(running[-1].generation)
            assert seen[-1].number == published
        elif running:
            publication.release(running.pop(0))
        for lease in running:
            assert lease.generation.rows(NUMBER) == [{"generation": lease.generation.number}]
    publication.close()
    for lease in running:
        assert is_open(lease.generation)
        publication.release(lease)
    assert not any(map(is_open, seen))


def test_readers_in_many_threads_never_see_an_older_generation_than_the_last(database):
    publication = Publication(database)
    published = [1]
    wrong, is_over = [], threading.Event()

    def read() -> int:
        n_reads = 0
        while not is_over.is_set():
            at_least = published[0]
            with publication.newest() as generation:
                [row] = generation.rows(NUMBER)
            if row["generation"] < at_least:
                wrong.append((row, at_least))
            n_reads += 1
        return n_reads

    with ThreadPoolExecutor(4) as threads:
        readers = [threads.submit(read) for _ in range(4)]
        for _ in range(8):
            publish(database)
            published[0] += 1
        is_over.set()
    publication.close()

    assert not wrong
    assert all(reader.result() > 0 for reader in readers)


def test_who_reads_an_older_generation_does_not_wait_while_a_newer_one_is_opened(
    database, publication, monkeypatch
):
    begun, go_on = threading.Event(), threading.Event()

    def slowly(*arguments: Any) -> Generation:
        begun.set()
        assert go_on.wait(20)
        return Generation(*arguments)

    older = publication.acquire()
    publish(database)
    monkeypatch.setattr(serving, "Generation", slowly)
    with ThreadPoolExecutor(2) as threads:
        newer = [threads.submit(publication.acquire) for _ in range(2)]
        assert begun.wait(20)
        assert publication.acquire_open() is None
        assert older.generation.rows("select 1 as one") == [{"one": 1}]
        publication.release(older)
        assert not any(one.done() for one in newer)
        go_on.set()
        first, second = (one.result(20) for one in newer)
    assert first is second
    assert first.generation.number == older.generation.number + 1
    wait_for(lambda: not is_open(older.generation))  # closed by a thread
    assert is_open(first.generation)
    for lease in (first, second):
        publication.release(lease)


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


def test_a_publication_that_ends_breaks_off_what_is_asked_and_will_be(database):
    publication = Publication(database, Limits(time_limit_s=60))
    is_in = threading.Event()

    def ask() -> float:
        with publication.newest() as generation:
            is_in.set()
            started_s = time.monotonic()
            for _ in range(2):
                with pytest.raises(QueryTimeoutError):
                    generation.rows(ENDLESS)
            return time.monotonic() - started_s

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(ask)
        is_in.wait(10)
        publish(database)  # so that one is of a generation that was replaced
        is_in.clear()
        second = threads.submit(ask)
        is_in.wait(10)
        publication.end()
        publication.close()
        assert max(first.result(), second.result()) < 5
    assert not publication._open_leases


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


@pytest.fixture
def lagging(database: Path) -> Iterator[Publication]:
    """One whose replaced generation may answer for as long as a test takes."""
    publication = Publication(database, lag_s=1e6)
    yield publication
    publication.close()


def answering(publication: Publication) -> int:
    with publication.newest() as generation:
        return generation.number


def test_a_generation_that_is_prepared_answers_from_the_switch_on(database, lagging):
    assert lagging.prepare() is None  # nothing was asked for yet
    first = answering(lagging)
    assert lagging.prepare() is None
    publish(database)
    assert answering(lagging) == first
    prepared = lagging.prepare()
    assert prepared.lease.generation.number == first + 1
    assert answering(lagging) == first
    lagging.switch(prepared)
    assert answering(lagging) == first + 1
    wait_for(lambda: not is_open(prepared.older.generation))
    assert is_open(prepared.lease.generation)
    assert lagging.prepare() is None


def test_a_request_does_not_wait_for_ever_for_a_generation_to_be_prepared(database):
    publication = Publication(database, lag_s=0.05)
    first = answering(publication)
    publish(database)
    answering(publication)  # from now on it is known to be outdated
    wait_for(lambda: answering(publication) == first + 1)
    publication.close()


def test_a_prepared_generation_does_not_replace_a_newer_one(database, lagging, monkeypatch):
    first = answering(lagging)
    publish(database)
    prepared = lagging.prepare()
    publish(database)
    monkeypatch.setattr(lagging, "_lag_s", 0.0)
    assert answering(lagging) == first + 2
    lagging.switch(prepared)
    assert answering(lagging) == first + 2
    assert not is_open(prepared.lease.generation)


def test_a_file_that_is_no_database_is_not_prepared(database, lagging):
    first = answering(lagging)
    database.unlink()
    database.write_bytes(b"no database")
    with pytest.raises(StoreError):
        lagging.prepare()
    assert answering(lagging) == first
