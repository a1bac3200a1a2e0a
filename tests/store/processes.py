"""What other processes do to a database while a test looks on."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from engagement.store import ingest_run
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.reader import Reader
from tests.store.stores import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from pathlib import Path

READS_PER_S = 200
_READS_PER_OPEN = 20

# Children fork from a server that has everything imported: they start in a few milliseconds.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.store.processes", "pyarrow.compute"])


@contextmanager
def child(target: Callable[..., None], *args: Any) -> Iterator[Any]:
    """Run `target(pipe, *args)` in another process; yields the process and our end of the pipe."""
    ours, theirs = CONTEXT.Pipe()
    process = CONTEXT.Process(target=target, args=(theirs, *args), daemon=True)
    process.start()
    theirs.close()
    try:
        yield process, ours
    finally:
        process.kill()
        process.join()
        process.close()
        ours.close()


def ingest_in_steps(pipe: Connection, folder: Path) -> None:
    """Ingest a store's logs, and publish after each."""
    pipe.send("started")
    ingest_run._PUBLISH_EVERY_S = 0.0
    Store(folder).ingest()
    pipe.send("done")


def hold_lock(pipe: Connection, database: Path) -> None:
    """Be an ingest that goes on and on."""
    with writer_lock(database):
        pipe.send("holding")
        pipe.recv()


def hold_connection(pipe: Connection, database: Path) -> None:
    """Be a DuckDB shell that may write."""
    connection = duckdb.connect(str(database))
    pipe.send("holding")
    pipe.recv()
    connection.close()


def write_and_close(pipe: Connection, database: Path) -> None:
    """Be a DuckDB shell with which someone makes a table."""
    with duckdb.connect(str(database)) as connection:
        connection.execute("create table note as select 'keep me' as words")
    pipe.send("written")


def write_and_die(pipe: Connection, database: Path) -> None:
    """Be a DuckDB shell that is killed before what it wrote is in the file itself."""
    connection = duckdb.connect(str(database))
    connection.execute("create table note as select 'keep me' as words")
    pipe.send("written")
    os.kill(os.getpid(), signal.SIGKILL)


def read_on(pipe: Connection, database: Path) -> None:
    """Read through one reader that stays open, and others that are opened anew, until told."""
    query = "select count(*) as n, (select generation from store.state) as generation from segments"
    seen = []
    with Reader(database) as held:
        [first] = held.rows(query)
        pipe.send("reading")
        started_at_s = time.monotonic()
        n_reads = 0
        while not pipe.poll():
            with Reader(database) as reader:
                seen += reader.rows(query)
                for _ in range(_READS_PER_OPEN):
                    assert held.rows(query) == [first]
                    assert reader.rows(query) == seen[-1:]
                    n_reads += 2
            due_s = started_at_s + n_reads / READS_PER_S
            time.sleep(max(0.0, due_s - time.monotonic()))
    pipe.send((n_reads, first, seen))


def read_said(pipe: Connection, database: Path) -> None:
    """Be a DuckDB shell that has a file open, and reads a table of it whenever it is told."""
    with duckdb.connect(str(database), read_only=True) as connection:
        pipe.send("reading")
        while pipe.recv() == "read":
            pipe.send(connection.execute("from said").fetchall())


def publish_on(pipe: Connection, database: Path) -> None:
    """Be a writer that publishes again and again, each time another table and its sum."""
    while True:
        with writer_lock(database), Writer(database) as writer:
            connection = writer.connection
            connection.execute(
                "create or replace table payload as select random() as r from range(200000)"
            )
            connection.execute("create or replace table total as select sum(hash(r)) from payload")
            [(generation,)] = connection.execute("select generation from store.state").fetchall()
            writer.publish()
        pipe.send(generation + 1)
