"""Publishing keeps what a database's file was: its mode, its owner, the link that leads to it."""

from __future__ import annotations

import os
import stat
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

from engagement.errors import StoreBusyError, StoreError
from engagement.store import generation_files
from engagement.store.database_writer import Writer, writer_lock
from tests.store import processes
from tests.store.small_logs import ONE, write

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@contextmanager
def umask(mask: int):
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def publish(database):
    with writer_lock(database), Writer(database) as writer:
        writer.publish()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077, 0o002], ids=oct)
def test_a_new_database_is_made_with_the_users_umask(mask, tmp_path):
    database = tmp_path / "new" / "engagement.duckdb"
    with umask(mask):
        publish(database)
    assert mode(database) == 0o666 & ~mask


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664, 0o444], ids=oct)
@pytest.mark.parametrize("mask", [0o000, 0o077], ids=oct)
def test_a_publication_keeps_the_mode(mask, kept, store):
    write(store.logs, ONE, 0)
    store.database.chmod(kept)
    with umask(mask):
        assert store.ingest().n_ingested == 1
    assert mode(store.database) == kept


def test_while_it_is_written_nobody_else_can_read_a_private_database(store):
    """Nor what DuckDB puts beside it; what is beside others' files is none of our business."""
    store.database.chmod(0o600)
    seen = {}
    with umask(0o000), writer_lock(store.database), Writer(store.database) as writer:
        writer.connection.execute("create table store.note as select range as n from range(100000)")
        for path in store.folder.glob("engagement.duckdb.*"):
            if not path.name.endswith(".lock"):
                seen[path.name] = mode(path) & 0o077
        writer.publish()
    assert set(seen.values()) == {0}
    assert mode(store.database) == 0o600


@ROOT_ONLY
def test_a_publication_keeps_the_owner(store):
    os.chown(store.database, 1234, 4321)
    store.database.chmod(0o640)
    publish(store.database)
    found = store.database.stat()
    assert (found.st_uid, found.st_gid, mode(store.database)) == (1234, 4321, 0o640)


@pytest.mark.parametrize(("before", "after"), [(0o640, 0o600), (0o664, 0o644), (0o666, 0o666)])
def test_a_group_that_can_not_be_kept_gives_the_new_one_no_more_than_all(
    before, after, tmp_path, monkeypatch
):
    """Who writes may be no member of the group."""
    source, target = tmp_path / "source", tmp_path / "target"
    for path in (source, target):
        path.touch()
    source.chmod(before)
    own = target.stat().st_gid

    def refuse(_path, _uid, _gid):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(generation_files.os, "chown", refuse)
    generation_files.keep_attributes(source, target)
    assert mode(target) == before  # of the same group

    class OfOthers(type(source)):
        def stat(self, **options):
            found = list(super().stat(**options))
            found[stat.ST_GID] = own + 1
            return os.stat_result(found)

    generation_files.keep_attributes(OfOthers(source), target)
    assert mode(target) == after


def test_extended_attributes_are_kept(store):
    try:
        os.setxattr(store.database, "user.engagement", b"kept")
    except (AttributeError, OSError):
        pytest.skip("there are none here")
    publish(store.database)
    assert os.getxattr(store.database, "user.engagement") == b"kept"


@pytest.fixture
def linked(store):
    """A link in another folder to a link to the database."""
    near = store.folder / "current.duckdb"
    near.symlink_to("engagement.duckdb")
    folder = store.folder / "elsewhere"
    folder.mkdir()
    link = folder / "drives.duckdb"
    link.symlink_to("../current.duckdb")
    return link


def test_a_link_stays_one_and_what_it_leads_to_is_replaced(linked, store):
    write(store.logs, ONE, 0)
    inode = store.database.stat().st_ino
    publish(linked)
    assert linked.readlink() == Path("../current.duckdb")
    assert (store.folder / "current.duckdb").readlink() == Path("engagement.duckdb")
    assert not store.database.is_symlink()
    assert store.database.stat().st_ino != inode
    assert [path.name for path in linked.parent.iterdir()] == ["drives.duckdb"]


def test_a_link_to_a_database_that_is_not_there_yet_has_it_made_there(tmp_path):
    (tmp_path / "place").mkdir()
    link = tmp_path / "drives.duckdb"
    link.symlink_to("place/engagement.duckdb")
    publish(link)
    assert link.is_symlink()
    assert (tmp_path / "place" / "engagement.duckdb").is_file()


def test_links_that_lead_to_each_other_are_an_error(tmp_path):
    one, other = tmp_path / "one.duckdb", tmp_path / "other.duckdb"
    one.symlink_to(other)
    other.symlink_to(one)
    with pytest.raises(StoreError, match=r"one\.duckdb: can't be found"):
        publish(one)


@pytest.mark.parametrize("first", ["link", "file"])
def test_two_names_of_a_database_exclude_each_other(first, linked, store):
    names = [linked, store.database]
    held, other = names if first == "link" else reversed(names)
    with processes.child(processes.hold_lock, held) as (process, pipe):
        assert pipe.recv() == "holding"
        with pytest.raises(StoreBusyError, match=f"process {process.pid}"):
            publish(other)


def test_a_lock_that_is_a_link_is_refused_and_what_it_leads_to_unharmed(store):
    """In a folder that others write to, it could lead to any file of the user."""
    precious = store.folder / "precious"
    precious.write_text("as it was")
    (store.folder / "engagement.duckdb.lock").symlink_to(precious)
    with pytest.raises(StoreError, match=r"its lock .* is a link"):
        publish(store.database)
    assert precious.read_text() == "as it was"


def test_a_lock_that_is_a_pipe_is_refused_at_once(store):
    os.mkfifo(store.folder / "engagement.duckdb.lock")
    failed = []

    def attempt():
        try:
            publish(store.database)
        except StoreError as error:
            failed.append(str(error))

    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(30)
    assert len(failed) == 1
    assert "is no file" in failed[0]


def test_a_copy_that_is_a_link_is_not_written_through(store):
    precious = store.folder / "precious"
    precious.write_text("as it was")
    (store.folder / "engagement.duckdb.next").symlink_to(precious)
    publish(store.database)
    assert precious.read_text() == "as it was"
    assert not (store.folder / "engagement.duckdb.next").exists()
