"""A writer that changes a previous generation in place is killed at random moments.

`ENGAGEMENT_TEST_KILLS=200` does it more often.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import ExitStack
from random import Random

from engagement.store.database_writer import Writer, writer_lock
from engagement.store.reader import Reader
from tests.store import processes

N_KILLS = int(os.environ.get("ENGAGEMENT_TEST_KILLS", "12"))
_N_HELD = 3

WHOLE = """
    select
        (select sum(hash(r)) from payload) = (from total) as is_payload_whole,
        (select sum(hash(r)) from ballast) as ballast,
        (select generation from store.state) as generation
"""


def look(database):
    with Reader(database) as reader:
        [row] = reader.rows(WHOLE)
    return row


def test_what_was_published_is_whole_after_each_kill_and_so_is_what_readers_hold(store):
    database = store.database
    with writer_lock(database), Writer(database) as writer:
        writer.connection.execute(
            "create table ballast as select random() as r from range(2000000)"
        )
        writer.publish()
    rng = Random(16)
    found = Counter()
    with processes.child(processes.publish_on, database) as (_, pipe):
        pipe.recv()
        started_at_s = time.monotonic()
        pipe.recv()
        longest_s = 2 * (time.monotonic() - started_at_s)
    first = look(database)
    newest = first["generation"]

    for number in range(N_KILLS):
        with ExitStack() as stack:
            held = [stack.enter_context(Reader(database)) for _ in range(number % _N_HELD)]
            seen = [reader.rows(WHOLE) for reader in held]
            with processes.child(processes.publish_on, database) as (process, pipe):
                newest = max(newest, pipe.recv())
                time.sleep(rng.uniform(0, longest_s))
                process.kill()
                process.join()
                while pipe.poll():
                    try:
                        newest = max(newest, pipe.recv())
                    except EOFError:
                        break
            row = look(database)
            assert row["is_payload_whole"]
            assert row["ballast"] == first["ballast"]
            assert row["generation"] >= newest
            assert [reader.rows(WHOLE) for reader in held] == seen
        for path in store.folder.glob("engagement.duckdb.*"):
            found[path.suffix] += 1

    assert found[".next"] > 0
    with writer_lock(database), Writer(database) as writer:
        writer.publish()
    assert look(database)["ballast"] == first["ballast"]
    names = {path.name for path in store.folder.glob("engagement.duckdb.*")}
    assert names <= {"engagement.duckdb.lock", "engagement.duckdb.previous"}
    print(f"{N_KILLS} kills, files beside the database after them: {dict(found)}")  # noqa: T201
