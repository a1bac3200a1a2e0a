"""What somebody joined stays joined, however its logs and entries come again, until taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.errors import InputError, NotFoundError, StoreMissingError
from engagement.filters import Selection
from engagement.legacy.imports import import_files
from engagement.names import full_dongle_ids, other_dongle_ids
from engagement.store.device_aliases import aliases_of, ends_of
from engagement.store.devices import join_devices, unjoin_device
from engagement.store.labels import Key, Label, bring_labels
from tests.store.small_logs import ONE, Drive, content
from tests.store.stores import Store

if TYPE_CHECKING:
    from pathlib import Path

GONE = "2023-01-01--00-00-00"
DRIVES = "select dongle_id, drive, n_segments from drives order by all"
A, B, C = (replace(ONE, dongle_id=16 * letter, shift_s=n) for n, letter in enumerate("abc"))


def put(store: Store, drive: Drive, number: int) -> Path:
    path = store.logs / drive.path(number)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(drive, number, "rlog"))
    return path


def entries_of(store: Store, *devices: str) -> Path:
    path = store.folder / f"{'-'.join(devices)}.json"
    entries = [{"device_id": one, "drive": GONE, "total_time": 5 * 10**9} for one in devices]
    path.write_text(json.dumps(entries))
    return path


def drives(store: Store) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in store.rows(DRIVES)]


def aliases(store: Store) -> dict[str, str]:
    return aliases_of(store.database)


# Each with a join when both are there; together they have every pair in both orders.
ORDERS = (
    ("new log", "old log", "join", "entry"),
    ("entry", "new log", "join", "old log"),
    ("old log", "entry", "new log", "join"),
)


def test_joined_in_any_order_with_logs_and_entries_it_stays_one_device(store):
    pairs = [
        (replace(ONE, dongle_id=f"{n:016x}", shift_s=n / 10), f"{n:08x}{n + 0xC0DE0000:08x}")
        for n in range(1, len(ORDERS) + 1)
    ]
    for step in range(4):
        due = [(*pair, order[step]) for pair, order in zip(pairs, ORDERS, strict=True)]
        logs = [put(store, old, 0) for old, _, what in due if what == "old log"]
        for old, new, what in due:
            if what == "new log":
                logs.append(put(store, replace(old, dongle_id=new), 1))
        if logs:
            store.ingest(*logs)
        if entered := [old.dongle_id for old, _, what in due if what == "entry"]:
            import_files(store.database, [entries_of(store, *entered)])
        for old, new, what in due:
            if what == "join":
                join_devices(store.database, old.dongle_id, new)
    found = drives(store)
    assert store.ingest().to_read == []
    import_files(store.database, [entries_of(store, *(old.dongle_id for old, _ in pairs))])
    store.ingest(reprocess=True)

    assert [row[:2] for row in found] == [
        (new, name) for _, new in pairs for name in (GONE, ONE.name)
    ]
    assert {row[2] for row in found if row[1] == ONE.name} == {2}
    assert drives(store) == found


def put_drives(store: Store, *drives: Drive) -> None:
    """A drive of another day for each device."""
    for day, drive in enumerate(drives, start=1):
        put(store, replace(drive, name=f"2024-01-0{day}--03-04-05"), 0)
    store.ingest()


def test_chains_lead_to_their_end_and_never_in_a_circle(store):
    put_drives(store, A, B, C)
    a, b, c = A.dongle_id, B.dongle_id, C.dongle_id
    join_devices(store.database, a, b)
    join_devices(store.database, b, c)
    assert aliases(store) == {a: c, b: c}
    assert {row[0] for row in drives(store)} == {c}

    for new in (b, c):
        with pytest.raises(InputError, match=r"joined with .* already$"):
            join_devices(store.database, a, new)
    with pytest.raises(InputError, match=f"--unjoin {a}"):
        join_devices(store.database, a, "d" * 16)
    assert join_devices(store.database, c, a).dongle_id == a  # by that name from now on
    assert aliases(store) == {b: a, c: a}
    assert {row[0] for row in drives(store)} == {a}

    store.ingest(reprocess=True)
    assert {row[0] for row in drives(store)} == {a}
    assert len(drives(store)) == 3


def test_a_name_that_is_nowhere_is_refused(store):
    put(store, A, 0)
    store.ingest()
    before = store.state()

    with pytest.raises(NotFoundError, match=B.dongle_id):
        join_devices(store.database, A.dongle_id, B.dongle_id)
    with pytest.raises(NotFoundError, match=B.dongle_id):
        join_devices(store.database, B.dongle_id, A.dongle_id)
    with pytest.raises(NotFoundError, match=B.dongle_id):
        unjoin_device(store.database, B.dongle_id)
    with pytest.raises(StoreMissingError):
        join_devices(store.folder / "none.duckdb", A.dongle_id, B.dongle_id)
    assert not (store.folder / "none.duckdb").exists()
    assert store.state() == before


def test_a_short_name_may_be_joined_before_the_full_one_has_drives(store):
    short = A.dongle_id[-8:]
    import_files(store.database, [entries_of(store, short)])

    assert not join_devices(store.database, short, A.dongle_id).is_known
    assert drives(store)[0][0] == A.dongle_id


def test_taken_back_each_drive_is_of_the_device_that_it_came_under(store):
    put(store, replace(A, name="2024-05-05--05-05-05"), 0)
    put(store, B, 0)
    store.ingest()
    import_files(store.database, [entries_of(store, A.dongle_id)])
    label = Label(Key(A.dongle_id, GONE, "disengagement", 5), "true")
    bring_labels(store.database, [label])
    before = drives(store)
    views = store.views(hidden=["devices"])

    assert join_devices(store.database, A.dongle_id, B.dongle_id).n_drives == 2
    assert {row[0] for row in drives(store)} == {B.dongle_id}
    assert unjoin_device(store.database, A.dongle_id).n_drives == 2

    assert drives(store) == before
    assert store.views(hidden=["devices"]) == views
    assert aliases(store) == {}
    store.ingest(reprocess=True)
    assert drives(store) == before
    assert store.row("select dongle_id from store.event_label") == {"dongle_id": A.dongle_id}


def test_taken_back_a_drive_with_logs_of_both_stays(store):
    put(store, A, 0)
    put(store, replace(A, dongle_id=B.dongle_id), 1)
    store.ingest()
    join_devices(store.database, A.dongle_id, B.dongle_id)

    assert unjoin_device(store.database, A.dongle_id).n_drives == 0
    assert drives(store) == [(B.dongle_id, A.name, 2)]


def test_a_short_name_that_can_be_no_other_device_is_not_taken_back(store):
    short = A.dongle_id[-8:]
    import_files(store.database, [entries_of(store, short)])
    join_devices(store.database, short, A.dongle_id)
    before = drives(store)

    with pytest.raises(InputError, match="short name"):
        unjoin_device(store.database, short)
    assert (drives(store), aliases(store)) == (before, {short: A.dongle_id})


def test_databases_remember_each_their_own(store, tmp_path):
    put_drives(store, A, B)
    other = Store(tmp_path / "other")
    other.folder.mkdir()
    other.copy_of(store.database)
    join_devices(store.database, A.dongle_id, B.dongle_id)
    join_devices(other.database, B.dongle_id, A.dongle_id)
    for one in (store, other):
        one.ingest(store.logs, reprocess=True)

    assert {row[0] for row in drives(store)} == {B.dongle_id}
    assert {row[0] for row in drives(other)} == {A.dongle_id}


def test_logs_of_a_joined_device_are_selected_by_either_name(store):
    old, new = put(store, A, 0), put(store, B, 0)
    store.ingest(new)
    import_files(store.database, [entries_of(store, A.dongle_id)])
    join_devices(store.database, A.dongle_id, B.dongle_id)

    def chosen(device: str) -> list[str]:
        wanted = Selection.of(device=device)
        return store.ingest(selection=wanted, reprocess=True, dry_run=True).to_read

    assert chosen(A.dongle_id) == [str(old)]
    assert chosen(B.dongle_id) == [str(old), str(new)]


def test_a_video_is_found_under_the_old_name(store):
    put(store, A, 0)
    put(store, B, 0)
    store.ingest()
    join_devices(store.database, A.dongle_id, B.dongle_id)
    beside = store.folder / "videos" / A.dongle_id / f"{A.name}--0" / "qcamera.ts"
    beside.parent.mkdir(parents=True)
    beside.write_bytes(bytes(188))
    store.ingest(store.logs, store.folder / "videos")

    assert store.row("select path from videos") == {"path": str(beside)}


NAMES = st.sampled_from(["aa", "bb", "cc", "dd"])


@given(st.dictionaries(NAMES, NAMES))
def test_any_table_of_aliases_leads_somewhere(said):
    ends = ends_of(said)

    assert not set(ends.values()) & set(ends)
    for old, new in said.items():
        assert ends.get(old, old) == ends.get(new, new)


IDS = st.text("ab", min_size=16, max_size=16)


@given(st.dictionaries(IDS, IDS, max_size=4), st.sets(IDS, max_size=4))
def test_a_name_leads_to_one_device_which_has_it_among_its_others(pairs, more):
    ends = {old: new for old, new in pairs.items() if new not in pairs and old != new}
    names = more | {one[-8:] for one in more}
    found = full_dongle_ids(names, ends)

    assert not set(found) & set(found.values())
    for name, device in found.items():
        assert name in other_dongle_ids(device, ends)
        assert found.keys() >= set(ends)
