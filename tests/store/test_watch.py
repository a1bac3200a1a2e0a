"""Watched folders: what settles is ingested once, whole, and nothing is held between."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from random import Random
from types import SimpleNamespace
from typing import TYPE_CHECKING

import duckdb
import pytest

from engagement.errors import StoreBusyError
from engagement.extract.segment import ReadOptions
from engagement.logs.writer import EventBuilder, write_log
from engagement.server_marks import Bookmark, Marks, marks_name, write_marks
from engagement.store import schema
from engagement.store import watch as watching
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.ingest_options import IngestOptions, IngestReport
from engagement.store.watch import watch
from tests.store import processes
from tests.store.small_logs import (
    BOOT_NS,
    ONE,
    OTHER,
    SECOND_NS,
    content,
    messages,
    write,
)
from tests.store.stores import Store, differences

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass
class Script:
    """What happens between one look and the next; a watch stops when all has happened."""

    steps: list[Callable[[], object]]
    waits: list[float] = field(default_factory=list)

    def is_set(self) -> bool:
        return len(self.waits) > len(self.steps)

    def wait(self, timeout: float) -> None:
        self.waits.append(timeout)
        if not self.is_set():
            self.steps[len(self.waits) - 1]()


def nothing() -> None:
    pass


def watched(store: Store, *steps: Callable[[], object], paths: Sequence = (), **options):
    """What came of each round, with a look after each step and one before all."""
    wanted = IngestOptions(read=ReadOptions(), jobs=1, **options)
    stop = Script(list(steps))
    rounds = watch(paths or [store.logs], store.database, wanted, every_s=0.0, stop=stop)
    return [
        "busy" if isinstance(found, StoreBusyError) else (found.n_ingested, found.n_failed)
        for found in rounds
    ]


def test_a_log_is_ingested_once_two_looks_find_it_the_same(store):
    seen = []

    def look_at_database():
        seen.append(len(store.segments()))

    rounds = watched(
        store,
        lambda: write(store.logs, ONE, 0),
        look_at_database,
        look_at_database,
        lambda: write(store.logs, ONE, 1),
        nothing,
        nothing,
    )

    assert rounds == [(1, 0), (1, 0)]
    assert seen == [0, 1]
    assert store.segments() == [(0, "rlog", "ok"), (1, "rlog", "ok")]


def test_a_growing_log_is_left_until_it_has_grown(store):
    whole = content(ONE, 0)
    path = store.logs / ONE.path(0)
    path.parent.mkdir(parents=True)

    def grow(n_bytes):
        return lambda: path.write_bytes(whole[:n_bytes])

    sizes = [len(whole) * part // 5 for part in range(1, 6)]
    rounds = watched(store, *(grow(n_bytes) for n_bytes in sizes), nothing)

    assert rounds == [(1, 0)]
    assert store.segments() == [(0, "rlog", "ok")]


def test_a_locked_log_waits_for_its_lock_to_go(store):
    path = write(store.logs, ONE, 0)
    lock = path.with_name("rlog.lock")
    lock.touch()

    rounds = watched(store, nothing, nothing, lock.unlink, nothing)

    assert rounds == [(0, 0), (1, 0)]


def test_a_damaged_log_is_tried_again_only_when_it_changes(store):
    path = store.logs / ONE.path(0)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no log")
    nameless = store.logs / "rlog"
    nameless.write_bytes(b"no log either")
    states = []

    rounds = watched(
        store,
        nothing,
        lambda: states.append(store.state()),
        nothing,
        lambda: states.append(store.state()),
        lambda: path.write_bytes(content(ONE, 0)),
        nothing,
        nothing,
    )

    assert rounds == [(0, 2), (1, 0)]
    assert states[0] == states[1]
    assert store.segments() == [(0, "rlog", "ok")]


def test_the_database_is_neither_copied_nor_replaced_when_nothing_is_new(store, monkeypatch):
    for number in range(2):
        write(store.logs, ONE, number)
    store.ingest()
    before = store.state()
    monkeypatch.setattr(Writer, "__init__", lambda *_: pytest.fail("a copy was made"))

    assert watched(store, *[nothing] * 4) == []
    (store.logs / ONE.path(0)).touch()
    os.utime(store.logs / ONE.path(1), ns=(1, 1))
    assert store.state() == before


def test_batches_are_published_one_by_one_and_hold_no_lock_between(store, monkeypatch):
    monkeypatch.setattr(watching, "_BATCH_LOGS", 2)
    for number in range(3):
        write(store.logs, ONE, number)
    write(store.logs, OTHER, 0)
    write(store.logs, OTHER, 0, "qlog")
    wanted = IngestOptions(read=ReadOptions(), jobs=1)
    generations = []
    for report in watch([store.logs], store.database, wanted, every_s=0, stop=Script([nothing])):
        assert isinstance(report, IngestReport)
        with writer_lock(store.database):
            generations.append((report.n_ingested, store.generation(), len(store.segments())))

    first = generations[0][1]
    assert generations == [(2, first, 2), (2, first + 1, 4)]


def test_what_a_server_says_later_is_taken_without_new_logs(store):
    path = store.logs / ONE.path(0)
    path.parent.mkdir(parents=True)
    bookmark = len(EventBuilder().event("userBookmark", 1, {}))
    own = [one for one in messages(ONE, 0) if len(one) != bookmark]
    path.write_bytes(write_log(own, "none"))
    file = store.logs / ONE.dongle_id / marks_name(ONE.name)
    seen = []

    def tell(*seconds):
        times = [BOOT_NS + second * SECOND_NS for second in seconds]
        return lambda: write_marks(file, Marks(bookmarks=tuple(Bookmark(0, at) for at in times)))

    def look_at_database():
        seen.append((store.generation(), store.rows("select mono_ns, source from bookmarks")))

    first = store.generation()
    rounds = watched(
        store,
        nothing,
        look_at_database,
        tell(3),
        nothing,
        look_at_database,
        nothing,
        look_at_database,
        lambda: file.write_bytes(b"[" * 100),
        nothing,
        nothing,
    )

    told = [{"mono_ns": BOOT_NS + 3 * SECOND_NS, "source": "server"}]
    assert rounds == [(1, 0), (0, 0), (0, 1)]
    assert seen == [(first + 1, []), (first + 2, told), (first + 2, told)]


def test_another_writer_is_waited_for(store):
    write(store.logs, ONE, 0)
    with processes.child(processes.hold_lock, store.database) as (process, pipe):
        assert pipe.recv() == "holding"

        def let_go():
            pipe.send("enough")
            process.join()

        rounds = watched(store, nothing, nothing, let_go, nothing)

    assert rounds == ["busy", "busy", "busy", (1, 0)]


def test_a_stop_in_a_batch_leaves_the_database_as_it_was(store, monkeypatch):
    write(store.logs, ONE, 0)
    store.ingest()
    before = store.state()
    for number in range(1, 4):
        write(store.logs, ONE, number)
    stop = Script([nothing])
    decode = watching.ingest

    def told_to_stop(paths, database, options, on_progress=None):
        if on_progress:
            stop.waits += [0.0, 0.0]
        return decode(paths, database, options, on_progress)

    monkeypatch.setattr(watching, "ingest", told_to_stop)
    wanted = IngestOptions(read=ReadOptions(), jobs=1)

    assert list(watch([store.logs], store.database, wanted, every_s=0, stop=stop)) == []
    assert store.state() == before
    assert not store.database.with_name("engagement.duckdb.next").exists()
    assert watched(store, nothing) == [(3, 0)]


def test_folders_may_come_later_and_are_missed_once(store):
    later = store.folder / "later"

    rounds = watched(store, nothing, lambda: write(later, ONE, 0), nothing, paths=[later])

    assert rounds == [(0, 0), (1, 0)]


def test_an_outdated_database_is_brought_up_to_date_without_new_logs(store):
    with duckdb.connect(str(store.database)) as connection:
        connection.execute("update store.state set sql_hash = 'of before'")
    before = store.generation()

    assert watched(store, nothing, nothing) == []
    assert store.generation() == before + 1
    assert store.row("select sql_hash from store.state")["sql_hash"] == schema.sql_hash()


def test_looks_at_a_large_archive_take_a_tenth_of_the_time(store, monkeypatch):
    times = iter([0.0, 2.0, 20.0, 20.1])
    monkeypatch.setattr(watching, "time", SimpleNamespace(monotonic=lambda: next(times)))
    stop = Script([nothing])
    wanted = IngestOptions(read=ReadOptions(), jobs=1)

    assert list(watch([store.logs], store.database, wanted, every_s=5.0, stop=stop)) == []
    assert stop.waits == [18.0, 5.0]


def test_whatever_the_order_a_watch_ends_with_what_one_ingest_gives(
    store, tmp_path, empty_database
):
    logs = [(ONE, 0, "rlog"), (ONE, 0, "qlog"), (OTHER, 0, "rlog")]
    random = Random(5)
    steps = [
        lambda log=log, part=part: _write_part(store, log, part)
        for log in logs
        for part in (random.random(), 1.0)
    ]
    order = random.sample(range(len(steps)), len(steps))
    steps = [steps[index] for index in order] + [
        lambda log=log: _write_part(store, log, 1.0) for log in logs
    ]
    watched(store, *steps, nothing, nothing)

    at_once = Store(tmp_path / "at_once")
    at_once.folder.mkdir()
    at_once.copy_of(empty_database)
    at_once.ingest(store.logs)
    assert differences(store.views(), at_once.views()) == []


def _write_part(store: Store, log: tuple, part: float) -> None:
    drive, number, kind = log
    whole = content(drive, number, kind)
    path = store.logs / drive.path(number, kind)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(whole[: int(part * len(whole))])


def test_videos_beside_logs_are_taken_with_them_and_later(store):
    write(store.logs, ONE, 0)
    first = (store.logs / ONE.path(0)).parent / "qcamera.ts"
    first.write_bytes(b"video")
    seen = []

    def look_at_database():
        seen.append(store.rows("select segment_num, size_bytes from log.video order by all"))

    watched(
        store,
        nothing,
        look_at_database,
        lambda: first.write_bytes(b"a longer video"),
        nothing,
        look_at_database,
    )

    assert seen == [
        [{"segment_num": 0, "size_bytes": 5}],
        [{"segment_num": 0, "size_bytes": 14}],
    ]
