"""The generation that was replaced is made the next one by what differs, if nobody can notice."""

from __future__ import annotations

import hashlib
import os
import shutil
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb
import pytest

from engagement.store import database_writer, generation_files, previous
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.disk_use import ONE_COPY
from engagement.store.reader import Reader
from tests.store import processes
from tests.store.small_logs import ONE, write
from tests.store.written import written_bytes

AIM_BYTES = 48_000_000
BALLAST_BYTES = 20_000_000


def publish(database, note="x"):
    """Publish something small; return the bytes that were written for it."""
    before = written_bytes()
    with writer_lock(database), Writer(database) as writer:
        writer.connection.execute("create or replace table said (words text)")
        writer.connection.execute("insert into said values (?)", [note])
        writer.publish()
    return written_bytes() - before


def add_ballast(database, n_bytes=BALLAST_BYTES):
    """Make the file larger by something that doesn't compress."""
    with writer_lock(database), Writer(database) as writer:
        writer.connection.execute(
            f"create table ballast as select random() as r from range({n_bytes // 8})"
        )
        writer.publish()


def names(store):
    return sorted(path.name for path in store.folder.glob("engagement.duckdb*"))


BOTH = ["engagement.duckdb", "engagement.duckdb.lock", "engagement.duckdb.previous"]
ONE_FILE = BOTH[:2]


@pytest.fixture
def kept(store):
    """A database with a previous generation, of some 20 MB."""
    add_ballast(store.database)
    publish(store.database)
    if names(store) != BOTH:
        pytest.skip("this file system has no leases or no attributes")
    return store


def is_whole_copy(n_bytes):
    return n_bytes > BALLAST_BYTES / 2


def test_what_a_segment_costs_does_not_depend_on_the_size_of_the_file(store):
    cost_bytes = {}
    for ballast_bytes in (0, 4 * BALLAST_BYTES):
        if ballast_bytes:
            with writer_lock(store.database), Writer(store.database) as writer:
                writer.connection.execute("drop table if exists ballast")
                writer.publish()
            add_ballast(store.database, ballast_bytes)
        for _ in range(3):  # of which the first ones copy all, or bring the ballast along
            before = written_bytes()
            write(store.logs, ONE, len(store.segments()))
            assert store.ingest().n_ingested == 1
            cost_bytes[ballast_bytes] = written_bytes() - before
    if names(store) != BOTH:
        pytest.skip("this file system has no leases or no attributes")
    assert max(cost_bytes.values()) <= AIM_BYTES
    assert max(cost_bytes.values()) - min(cost_bytes.values()) < 4_000_000


def test_a_long_ingest_that_publishes_now_and_then_copies_by_difference_too(kept):
    with writer_lock(kept.database), Writer(kept.database) as writer:
        writer.publish(reopen=True)
        before = written_bytes()
        for number in range(3):
            writer.connection.execute(f"create or replace table said as select {number} as n")
            writer.publish(reopen=number < 2)
        assert written_bytes() - before < BALLAST_BYTES / 2
    assert kept.rows("from said") == [{"n": 2}]
    assert names(kept) == BOTH


def test_a_copy_by_difference_is_what_a_whole_copy_would_be(kept, tmp_path):
    whole = tmp_path / "whole.duckdb"
    shutil.copy(kept.database, whole)
    with writer_lock(kept.database), Writer(kept.database) as writer:
        private = kept.database.with_name("engagement.duckdb.next")
        assert private.read_bytes() == whole.read_bytes()
        writer.publish()


def test_nobody_else_can_read_what_was_replaced(kept):
    kept.database.chmod(0o644)
    publish(kept.database)
    found = kept.database.with_name(BOTH[2]).stat()
    assert found.st_mode & 0o777 == 0o600
    assert kept.database.stat().st_mode & 0o777 == 0o644


def digest(file):
    file.seek(0)
    return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def duckdb_here(path):
    """A shell in our own process, whose lock is gone once a file is closed beside it."""
    with duckdb.connect(config={"threads": 1}) as shell:
        shell.execute(f"attach '{path}' as held (read_only)")
        with path.open("rb"):
            pass
        yield lambda: shell.execute("select words from held.said").fetchall()


@contextmanager
def duckdb_elsewhere(path):
    with processes.child(processes.read_said, path) as (_, pipe):
        assert pipe.recv() == "reading"

        def read():
            pipe.send("read")
            return pipe.recv()

        yield read


@contextmanager
def our_reader(path):
    with Reader(path) as reader:
        yield lambda: reader.rows("from said")


@contextmanager
def plain_file(path):
    with path.open("rb") as file:
        yield lambda: digest(file)


@pytest.mark.parametrize("hold", [duckdb_here, duckdb_elsewhere, our_reader, plain_file])
def test_readers_of_each_of_the_last_generations_never_see_a_change(hold, kept):
    """Nor does who holds the newest one up a publication."""
    with ExitStack() as stack:
        held = []
        for number in range(5):
            publish(kept.database, f"note {number}")
            read = stack.enter_context(hold(kept.database))
            held.append((read, read()))
            for read_again, first in held:
                assert read_again() == first
        assert len({str(first) for _, first in held}) == 5
    publish(kept.database)
    assert not is_whole_copy(publish(kept.database))


@pytest.mark.parametrize("hold", [duckdb_here, duckdb_elsewhere, our_reader, plain_file])
def test_a_file_that_is_read_is_let_go_and_the_database_copied_whole(hold, kept):
    with hold(kept.database) as read:
        first = read()
        publish(kept.database, "replaces what is read")
        assert names(kept) == BOTH
        assert is_whole_copy(publish(kept.database, "needs a copy"))
        assert read() == first
    assert not is_whole_copy(publish(kept.database))


def test_a_reader_that_has_closed_its_file_costs_nothing(kept):
    for hold in (duckdb_here, our_reader, plain_file):
        with hold(kept.database) as read:
            read()
        assert not is_whole_copy(publish(kept.database))


def test_a_name_that_somebody_else_gave_it_keeps_what_it_named(kept):
    """As `cp -l`, with which some make backups."""
    backup = kept.folder / "backup"
    backup.hardlink_to(kept.database)
    before = backup.read_bytes()
    publish(kept.database, "replaces it")
    publish(kept.database, "would change it")
    assert backup.read_bytes() == before
    with duckdb.connect(str(backup), read_only=True) as connection:
        assert connection.execute("from said").fetchall() == [("x",)]


def written_to(path):
    with path.open("r+b") as file:
        file.seek(300_000)
        file.write(b"half a block")


def of_others(path):
    path.chmod(0o666)


def without_a_stamp(path):
    os.removexattr(path, "user.engagement.published")


def copied(path):
    """As by `cp -a` from a backup: the same attributes and times, another file."""
    other = path.with_name("copy")
    shutil.copy2(path, other)
    other.replace(path)


def a_link(path):
    elsewhere = path.with_name("elsewhere")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def a_pipe(path):
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("spoil", [written_to, of_others, without_a_stamp, copied, a_link, a_pipe])
def test_only_a_file_that_is_known_to_be_whole_is_used(spoil, kept):
    spoil(kept.database.with_name(BOTH[2]))
    assert is_whole_copy(publish(kept.database, "whole"))
    assert kept.rows("from said") == [{"words": "whole"}]
    assert not is_whole_copy(publish(kept.database))


def test_what_another_program_has_written_to_is_not_kept(kept):
    """A killed one may have left half a block in it, which no header leads to."""
    with processes.child(processes.write_and_close, kept.database) as (process, pipe):
        assert pipe.recv() == "written"
        process.join()
    assert not is_whole_copy(publish(kept.database))
    assert names(kept) == ONE_FILE
    assert is_whole_copy(publish(kept.database))


def test_with_one_copy_nothing_is_kept(kept):
    before = ONE_COPY.set(True)
    try:
        publish(kept.database)
        assert names(kept) == ONE_FILE
        assert is_whole_copy(publish(kept.database))
    finally:
        ONE_COPY.reset(before)


def test_a_complete_publication_keeps_nothing(kept):
    with writer_lock(kept.database), Writer(kept.database) as writer:
        writer.publish(complete=True)
    assert names(kept) == ONE_FILE


def test_where_files_can_be_cloned_they_are(kept, monkeypatch):
    def clone(source, target):
        shutil.copyfile(source, target)
        return True

    monkeypatch.setattr(database_writer, "clone", clone)
    publish(kept.database, "cloned")
    assert names(kept) == ONE_FILE
    assert kept.rows("from said") == [{"words": "cloned"}]


def test_a_file_system_that_can_not_clone_says_so(kept):
    """Here, as the other tests rely on it."""
    target = kept.folder / "clone"
    assert generation_files.clone(kept.database, target) == target.exists()


@pytest.mark.parametrize("missing", ["renameat2", "hard links"])
def test_names_are_exchanged_or_one_file_replaces_the_other(missing, kept, monkeypatch):
    monkeypatch.setattr(previous.ctypes, "CDLL", lambda *_, **__: object())
    if missing == "hard links":

        def refuse(*_):
            raise OSError(95, "Operation not supported")

        monkeypatch.setattr(Path, "hardlink_to", refuse)
    publish(kept.database, "exchanged")
    assert kept.rows("from said") == [{"words": "exchanged"}]
    assert names(kept) == (ONE_FILE if missing == "hard links" else BOTH)
    assert is_whole_copy(publish(kept.database)) == (missing == "hard links")


def test_a_reader_that_comes_too_late_reads_the_newest(kept):
    """It found the name of a generation that the next writer has by the time it asks for a lock."""
    execute = duckdb.DuckDBPyConnection.execute
    tried = []

    class Late:
        """A connection whose first attempt to attach comes too late."""

        def __init__(self, connection):
            self._connection = connection

        def execute(self, query, *parameters):
            if query.startswith("attach") and not tried:
                tried.append(query)
                publish(kept.database, "newest")
                raise duckdb.IOException('IO Error: Could not set lock on file "x"')
            return execute(self._connection, query, *parameters)

        def __getattr__(self, name):
            return getattr(self._connection, name)

    with duckdb.connect() as connection, Reader(kept.database, connection=Late(connection)) as late:
        assert late.rows("from said") == [{"words": "newest"}]
    assert tried
