from __future__ import annotations

import subprocess
import sys
import threading

import duckdb
import pytest

from engagement.store import spare
from engagement.store.spare import Spare
from tests.support.waiting import wait_for


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads in which connections were made, in turn; they are made without delay."""
    found: list[threading.Thread] = []
    make = spare.new_instance

    def note() -> duckdb.DuckDBPyConnection:
        found.append(threading.current_thread())
        return make()

    monkeypatch.setattr(spare, "_AFTER_S", 0.0)
    monkeypatch.setattr(spare, "new_instance", note)
    return found


def test_the_second_taker_gets_what_another_thread_has_made(made):
    spare = Spare()
    first = spare.take()
    wait_for(lambda: spare._connection is not None)
    second = spare.take()

    assert first is not second
    assert threading.current_thread() in made
    assert any(isinstance(thread, threading.Timer) for thread in made)
    second.execute("create table t as select 1")
    with pytest.raises(duckdb.CatalogException):
        first.execute("from t")
    for connection in (first, second):
        connection.close()
    spare.close()


def test_takers_at_once_get_one_each(made):
    spare = Spare()
    found = [spare.take() for _ in range(3)]

    assert len(set(map(id, found))) == 3
    for connection in found:
        assert connection.execute("select 1").fetchall() == [(1,)]
        connection.close()
    wait_for(lambda: len(made) == 4)
    spare.close()


def test_nothing_is_left_open(made):
    spare = Spare()
    spare.take().close()
    wait_for(lambda: spare._connection is not None)
    kept = spare._connection
    spare.close()
    spare.close()

    with pytest.raises(duckdb.ConnectionException):
        kept.execute("select 1")
    assert len(made) == 2


def test_a_program_may_end_while_one_is_made():
    """A thread that the interpreter leaves inside DuckDB as it ends would abort the process."""
    program = """
import threading, time
from engagement.store import spare

make, is_making = spare.new_instance, threading.Event()

def make_for_a_second():
    if threading.current_thread() is not threading.main_thread():
        is_making.set()
        until_s = time.monotonic() + 1
        while time.monotonic() < until_s:
            make().close()
    return make()

spare._AFTER_S, spare.new_instance = 0.0, make_for_a_second
spare.Spare().take()
is_making.wait()
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, b"")
