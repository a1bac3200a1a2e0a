"""A database file is whole at every moment, whoever is killed, reads or writes, or has no disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from random import Random

import duckdb
import pytest

from engagement.errors import StoreBusyError, StoreError
from engagement.store import ingest_run
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.reader import Reader
from tests.store import processes
from tests.store.small_logs import ONE, Drive, write
from tests.store.stores import Store, differences

THIRD = Drive("0f0f0f0f0f0f0f0f", "2024-03-04--05-06-07", shift_s=3.0)
N_KILLS = 25  # one in each 25th of the time: none leaves a gap as long as two of these

STATE = """
    select
        drive.drive,
        (select count(*) from log.segment where drive_id = drive.drive_id) as n_segments,
        (select count(*) from log.car_state where drive_id = drive.drive_id) as n_samples,
        (
            select max(mono_ns) - min(mono_ns) from log.car_state where drive_id = drive.drive_id
        ) / 1e9
            as duration_s,
        (select list(round(duration_s, 3)) from result.drive_metrics as metrics
            where metrics.drive_id = drive.drive_id) as computed_s,
        (select generation from store.state) as generation,
        (select count(*) from store.ingest_run) as n_runs
    from log.drive
"""


def assert_published(database):
    """The database holds what some publish wrote, all of it; return its segments and generation."""
    with Reader(database) as reader:
        rows = reader.rows(STATE)
    for row in rows:
        assert row["n_segments"] > 0
        assert row["n_samples"] == 100 * row["n_segments"]
        assert row["computed_s"] == [pytest.approx(row["duration_s"], abs=0.002)]
        assert 0 < row["n_runs"] < row["generation"]
    return sum(row["n_segments"] for row in rows), rows[0]["generation"]


def leftovers(store):
    """What is beside the database, but for the previous generation, which stays on purpose."""
    names = {path.name for path in store.folder.glob("engagement.duckdb.*")}
    return sorted(names - {"engagement.duckdb.previous"})


@pytest.fixture
def busy_store(begun):
    """Two drives in the database, and two logs that are not: a late segment and a new drive."""
    write(begun.logs, ONE, 1)
    write(begun.logs, THIRD, 0)
    return begun


def undisturbed_s(store):
    with processes.child(processes.ingest_in_steps, store.folder) as (_, pipe):
        assert pipe.recv() == "started"
        started_at_s = time.monotonic()
        assert pipe.recv() == "done"
        return time.monotonic() - started_at_s


def test_a_killed_ingest_leaves_a_published_state_that_the_next_completes(begun, two_drives):
    """Kills fall on the copy, the rows, the results, the publishing and the copy after it."""
    write(begun.logs, ONE, 1)
    longest_s = undisturbed_s(begun)
    expected = begun.views()
    begun.copy_of(two_drives.database)

    rng = Random(50)
    outcomes = Counter()
    for number in range(N_KILLS):
        with processes.child(processes.ingest_in_steps, begun.folder) as (process, pipe):
            pipe.recv()
            process.join(longest_s * (number + rng.random()) / N_KILLS)
            process.kill()
        outcomes[tuple(leftovers(begun))] += 1
        n_segments, _ = assert_published(begun.database)
        if n_segments == 3:
            outcomes["published"] += 1
            assert differences(begun.views(), expected) == []
            begun.copy_of(two_drives.database)

    assert len(outcomes) > 1
    begun.ingest()
    assert differences(begun.views(), expected) == []
    assert leftovers(begun) == ["engagement.duckdb.lock"]


def test_readers_neither_fail_nor_wait_nor_hold_up_an_ingest(store, monkeypatch):
    monkeypatch.setattr(ingest_run, "_PUBLISH_EVERY_S", 0.0)
    for number in range(4):
        write(store.logs, ONE, number)
    store.ingest(store.logs / ONE.path(0))

    with processes.child(processes.read_on, store.database) as (_, pipe):
        assert pipe.recv() == "reading"
        store.ingest()
        pipe.send("stop")
        n_reads, first, seen = pipe.recv()

    assert n_reads > 100
    assert first == seen[0]
    counts = [(row["generation"], row["n"]) for row in seen]
    assert counts == sorted(counts)
    before = first["generation"]
    assert set(counts) <= {(before + more, 1 + more) for more in range(4)}
    assert len(set(counts)) > 1
    assert assert_published(store.database) == (4, before + 3)


@pytest.mark.parametrize(
    ("holder", "said"),
    [
        (processes.hold_lock, "process {pid} is writing to this database; wait for it to end"),
        (processes.hold_connection, "process {pid} (python"),
    ],
)
def test_a_second_writer_is_told_who_is_the_first(holder, said, busy_store):
    before = busy_store.database.read_bytes()
    with processes.child(holder, busy_store.database) as (process, pipe):
        assert pipe.recv() == "holding"
        with pytest.raises(StoreBusyError) as caught:
            busy_store.ingest()
        assert said.format(pid=process.pid) in str(caught.value)
        assert busy_store.database.read_bytes() == before
        assert "engagement.duckdb.next" not in leftovers(busy_store)
        if holder is processes.hold_lock:
            assert len(busy_store.ingest(dry_run=True).to_read) == 2

    assert busy_store.ingest().n_ingested == 2


INTERRUPTIBLE = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
from engagement.cli import main
main()
"""


@pytest.mark.parametrize("delay_s", [0.0, 0.25])
def test_ctrl_c_leaves_what_was_published(delay_s, busy_store):
    before = assert_published(busy_store.database)
    command = [sys.executable, "-c", INTERRUPTIBLE, "ingest", str(busy_store.logs), "--jobs", "1"]
    environment = {**os.environ, "ENGAGEMENT_DB": str(busy_store.database)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)
    private = busy_store.database.with_name("engagement.duckdb.next")
    while not private.exists() and process.poll() is None:
        time.sleep(0.002)
    time.sleep(delay_s)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()

    if process.returncode == 130:
        assert assert_published(busy_store.database) == before
        assert "interrupted" in said
        assert "Traceback" not in said
    else:
        assert (process.returncode, delay_s > 0) == (0, True)
        assert assert_published(busy_store.database) == (4, before[1] + 1)
    busy_store.ingest()
    assert leftovers(busy_store) == ["engagement.duckdb.lock"]
    assert assert_published(busy_store.database) == (4, before[1] + 1)


def test_what_a_killed_shell_wrote_is_kept(busy_store):
    with processes.child(processes.write_and_die, busy_store.database) as (process, pipe):
        assert pipe.recv() == "written"
        process.join()
    assert "engagement.duckdb.wal" in leftovers(busy_store)
    note = [{"words": "keep me"}]
    assert busy_store.rows("from note") == note

    busy_store.ingest()

    assert busy_store.rows("from note") == note
    assert leftovers(busy_store) == ["engagement.duckdb.lock"]
    assert_published(busy_store.database)


@pytest.mark.parametrize("is_replaced", [False, True])
def test_a_writer_that_is_killed_while_it_publishes_loses_no_write_ahead_log(
    is_replaced, store, monkeypatch
):
    with processes.child(processes.write_and_die, store.database) as (process, pipe):
        assert pipe.recv() == "written"
        process.join()
    replace = Writer._replace

    def die(writer, **options):
        if is_replaced:
            replace(writer, **options)
        raise KeyboardInterrupt  # nothing of what follows is run, nor what was done undone

    monkeypatch.setattr(Writer, "_replace", die)
    with suppress(KeyboardInterrupt), writer_lock(store.database), Writer(store.database) as writer:
        writer.publish()
    monkeypatch.undo()
    (aside,) = store.folder.glob("engagement.duckdb.*-*.wal")
    with writer_lock(store.database), Writer(store.database) as writer:
        assert writer.connection.execute("from note").fetchall() == [("keep me",)]
        writer.publish()
    assert store.rows("from note") == [{"words": "keep me"}]
    assert not aside.exists()
    assert leftovers(store) == ["engagement.duckdb.lock"]


def test_two_hard_links_of_a_file_exclude_each_other(store):
    other = store.folder / "other.duckdb"
    other.hardlink_to(store.database)
    with writer_lock(store.database), Writer(store.database) as writer:
        with writer_lock(other), pytest.raises(StoreBusyError, match="another name of the file"):
            Writer(other)
        writer.publish()
    with writer_lock(other), Writer(other):  # which is another file by now
        pass


@pytest.mark.parametrize("write_note", [processes.write_and_close, processes.write_and_die])
def test_what_a_shell_writes_during_an_ingest_is_kept(write_note, busy_store):
    with writer_lock(busy_store.database), Writer(busy_store.database) as writer:
        with processes.child(write_note, busy_store.database) as (process, pipe):
            assert pipe.recv() == "written"
            process.join()
        with pytest.raises(StoreError, match="another program wrote to it meanwhile"):
            writer.publish()

    assert busy_store.rows("from note") == [{"words": "keep me"}]
    busy_store.ingest()
    assert busy_store.rows("from note") == [{"words": "keep me"}]
    assert assert_published(busy_store.database)[0] == 4


def test_leftovers_of_a_killed_ingest_are_not_taken_for_data(busy_store):
    for name in ("engagement.duckdb.next", "engagement.duckdb.next.wal"):
        busy_store.database.with_name(name).write_bytes(b"half a page")
    left = busy_store.database.with_name("engagement.duckdb.next.tmp")
    left.mkdir()

    busy_store.ingest()

    assert leftovers(busy_store) == ["engagement.duckdb.lock"]
    assert assert_published(busy_store.database)[0] == 4


def test_a_shell_reads_the_file_while_it_is_replaced(busy_store):
    """An open connection keeps the file it had; one that is opened later has the new one."""
    before = busy_store.database.read_bytes()
    with (
        busy_store.database.open("rb") as held,
        duckdb.connect(str(busy_store.database), read_only=True) as shell,
    ):
        assert shell.execute("select count(*) from segments").fetchall() == [(2,)]
        busy_store.ingest()
        assert shell.execute("select count(*) from segments").fetchall() == [(2,)]
        assert held.read() == before
    with duckdb.connect(str(busy_store.database), read_only=True) as shell:
        assert shell.execute("select count(*) from segments").fetchall() == [(4,)]


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, and a way to say how large it is."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")

    def resize(size_bytes: int) -> None:
        option = f"remount,size={size_bytes // 1024}k"
        subprocess.run(["mount", "-o", option, str(folder)], check=True)

    yield folder, resize
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("room_bytes", [100_000, 2_000_000], ids=["copy", "insert"])
def test_a_full_disk_leaves_the_database_as_it_was(room_bytes, busy_store, small_disk):
    folder, resize = small_disk
    shutil.copy(busy_store.database, folder)
    store = Store(folder)
    size_bytes = store.database.stat().st_size
    copied_bytes = 0 if room_bytes < size_bytes // 10 else size_bytes
    before = store.database.read_bytes()
    resize(size_bytes + copied_bytes + room_bytes)

    with pytest.raises(StoreError, match="can't make its next generation") as caught:
        store.ingest(busy_store.logs)

    assert "No space left" in str(caught.value)
    assert store.database.read_bytes() == before
    assert leftovers(store) == ["engagement.duckdb.lock"]
    resize(64_000_000)
    assert store.ingest(busy_store.logs).n_ingested == 2
