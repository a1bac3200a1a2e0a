"""No drive is lost or doubled by a repetition, by two writers, or by one that is killed."""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import replace
from random import Random

import pytest

from engagement.errors import StoreBusyError, StoreError
from engagement.lake.catalog import open_lake
from engagement.lake.committer import Committer
from engagement.store.lake_file import attach_lake, read_lake_file
from engagement.store.reader import Reader, new_instance
from tests.lake.lakes import LakeStore, commit_each, hold_lake
from tests.store.processes import child
from tests.store.small_logs import ONE, Drive, write

N_KILLS = int(os.environ.get("ENGAGEMENT_TEST_KILLS", "2"))
_N_DRIVES = 3

# What the ledger says of each drive, and what is there.
_HELD = """
select
    drive_id,
    digest,
    (select count(*) from log.drive as d where d.drive_id = u.drive_id) as n_drives,
    (select count(*) from log.segment as s where s.drive_id = u.drive_id) as n_segments,
    (select count(*) from log.car_state as c where c.drive_id = u.drive_id) as n_samples,
    (select count(*) from result.drive_facts as f where f.drive_id = u.drive_id) as n_facts
from lake.unit as u order by drive_id
"""


def held(lake):
    return {row.pop("drive_id"): row for row in lake.rows(_HELD)}


@pytest.fixture(scope="module")
def manifests(empty_lake, tmp_path_factory):
    """Manifests of some drives; any lake may take them, as it copies rows that are few."""
    lake = LakeStore(tmp_path_factory.mktemp("manifests") / "lake")
    shutil.copytree(empty_lake, lake.folder)
    for number in range(_N_DRIVES):
        write(lake.logs, Drive(f"{number:016x}", shift_s=number / 10), 0)
    found = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Committer, "commit", lambda _, given: found.extend(given))
        lake.ingest()
    assert len(found) == _N_DRIVES
    return found


def test_what_comes_again_changes_nothing(lake, manifests):
    assert lake.commit(*manifests) == _N_DRIVES
    before = held(lake)
    assert lake.commit(*manifests, *manifests) == 0
    assert held(lake) == before
    assert all(row["n_drives"] == row["n_segments"] == row["n_facts"] == 1
               for row in before.values())  # fmt: skip


def test_nothing_of_a_batch_is_there_if_one_file_is_gone(lake, manifests):
    lake.commit(manifests[0])
    before = held(lake)
    *files, last = manifests[-1].files
    broken = replace(manifests[-1], files=(*files, replace(last, path=last.path / "gone")))
    with pytest.raises(StoreError, match="ingest again"):
        lake.commit(*manifests[1:-1], broken)
    assert held(lake) == before


def test_a_second_writer_is_told_who_writes(lake):
    with child(hold_lake, lake.database) as (process, pipe):
        pipe.recv()
        with pytest.raises(StoreBusyError, match=f"process {process.pid} "):
            lake.ingest()


def test_of_two_transactions_at_once_one_is_refused(lake, manifests):
    """As two machines may begin where a lock is of one."""
    with open_lake(lake.database) as (file, first), new_instance() as second:
        attach_lake(second, file, read_only=False)
        second.execute("use engagement")
        late = Committer(second, file)
        taking = late._transaction()
        taking.__enter__()
        late._take(manifests[1:], {})
        late._count()
        assert Committer(first, file).commit(manifests[:1]) == 1
        with pytest.raises(StoreBusyError):
            taking.__exit__(None, None, None)
    assert [*held(lake)] == [manifests[0].drive_id]


def test_a_killed_writer_loses_and_doubles_nothing(lake, manifests):
    lake.commit(*manifests)
    whole = held(lake)
    rng = Random(19)
    for _ in range(N_KILLS):
        with open_lake(lake.database) as (_, connection):
            connection.execute("update lake.unit set digest = 'of before'")
        with child(commit_each, lake.database, manifests) as (process, pipe):
            pipe.recv()
            time.sleep(rng.uniform(0, 1.5))
            process.kill()
            process.join()
            found = held(lake)
        assert all({**row, "digest": ""} == {**whole[drive_id], "digest": ""}
                   for drive_id, row in found.items())  # fmt: skip
        assert found.keys() == whole.keys()
    lake.commit(*manifests)
    assert held(lake) == whole


def test_a_lake_may_be_moved(lake, tmp_path):
    write(lake.logs, ONE, 0)
    lake.ingest()
    moved = lake.folder.rename(tmp_path / "moved") / "lake.toml"
    assert read_lake_file(moved).data == tmp_path / "moved" / "data"
    with Reader(moved) as reader:
        assert len(reader.rows("from car_samples")) > 0
