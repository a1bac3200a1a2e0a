"""Which generation a request gets, and when one is opened and closed."""

from __future__ import annotations

import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagement.errors import (
    QueryError,
    QueryTimeoutError,
    StoreError,
    StoreMissingError,
    StoreVersionError,
)
from engagement.store import serving
from engagement.store.reader import Reader
from engagement.store.serving import Generation, Limits, Publication
from tests.store.publishing import ENDLESS, publish
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NUMBER = "select generation from store.state"


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


def test_a_missing_database_is_an_error_until_it_is_there(empty_database, tmp_path):
    publication = Publication(tmp_path / "later.duckdb")

    with pytest.raises(StoreMissingError), publication.newest():
        pass
    shutil.copyfile(empty_database, tmp_path / "later.duckdb")

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


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.sampled_from(["ask", "finish", "publish"]), min_size=1, max_size=10))
def test_whatever_the_order_each_request_has_the_newest_and_nothing_stays_open(
    empty_database, steps
):
    folder = empty_database.parent / "steps"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    path = folder / "engagement.duckdb"
    shutil.copyfile(empty_database, path)
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


def test_the_lag_of_one_that_took_long_to_prepare_began_with_that(database, lagging, monkeypatch):
    first = answering(lagging)
    publish(database)
    prepared = lagging.prepare()
    publish(database)
    lagging.switch(prepared)
    assert answering(lagging) == first + 1
    monkeypatch.setattr(lagging, "_lag_s", time.monotonic() - prepared.lease.seen_at_s)
    assert answering(lagging) == first + 2


def test_a_file_that_is_no_database_is_not_prepared(database, lagging):
    first = answering(lagging)
    database.unlink()
    database.write_bytes(b"no database")
    with pytest.raises(StoreError):
        lagging.prepare()
    assert answering(lagging) == first
