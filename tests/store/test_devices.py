"""A device has one name: folders, imported entries and logs under 8 characters of it join it."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagement.errors import InputError, NotFoundError
from engagement.legacy.imports import import_files
from engagement.names import full_dongle_ids, is_short_for, short_dongle_ids
from engagement.store.devices import join_devices
from engagement.store.labels import label_events
from tests.store.small_logs import ONE, OTHER, Drive, content, write

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.store.stores import Store

FULL = ONE.dongle_id
SHORT = FULL[-8:]
TWIN = "fedcba98" + SHORT
DRIVES = "select dongle_id, drive, n_segments from drives order by all"
NAMELESS = replace(ONE, dongle_id="")  # initData before a device is registered


def put(store: Store, folder: str, drive: Drive, number: int, kind: str = "rlog") -> Path:
    """A log of a drive in a folder of some name."""
    path = store.logs / folder / f"{drive.name}--{number}" / kind
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content(drive, number, kind))
    return path


def entry_of(store: Store, device: str, drive: str = ONE.name, **values: object) -> Path:
    path = store.folder / f"{device}.json"
    path.write_text(
        json.dumps([{"device_id": device, "drive": drive, "total_time": 5 * 10**9, **values}])
    )
    return path


def drives(store: Store) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in store.rows(DRIVES)]


def imported(store: Store) -> list[tuple[object, ...]]:
    rows = store.rows(
        "select dongle_id, drive, source_path from store.imported_drive"
        " inner join log.drive using (drive_id) order by all"
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.parametrize("folder", [SHORT, FULL[:8]])
def test_a_log_tells_the_full_id_of_its_folder(store, folder):
    put(store, folder, ONE, 0)
    store.ingest()

    assert drives(store) == [(FULL, ONE.name, 1)]
    assert store.ingest().to_read == []


def test_a_log_of_another_device_does_not_rename_its_folder(store):
    put(store, "0badc0de", ONE, 0)
    store.ingest()

    assert drives(store) == [("0badc0de", ONE.name, 1)]


def a_drive_each(cases: Iterable[Any]) -> dict[Drive, Any]:
    """A drive of a device of its own for each case, so that one database tries all of them."""
    return {
        Drive(f"{number:08x}{number + 0xC0DE0000:08x}", shift_s=number / 10): case
        for number, case in enumerate(cases, start=1)
    }


def test_folders_of_both_names_are_one_device_in_any_order(store):
    cases = product(permutations(range(3)), (True, False))
    logs: list[list[Path]] = [[], [], []]
    tried = a_drive_each(cases)
    for drive, (order, is_named) in tried.items():
        full, in_log = drive.dongle_id, drive if is_named else replace(drive, dongle_id="")
        for step, number in enumerate(order):
            folder = full[-8:] if number == 1 else full
            logs[step].append(put(store, folder, in_log, number))
    for paths in logs:
        store.ingest(*paths)

    assert drives(store) == [(drive.dongle_id, ONE.name, 3) for drive in tried]
    assert store.ingest().to_read == []


def test_the_better_log_of_a_segment_counts_whatever_its_folder(store):
    tried = a_drive_each(product((True, False), (True, False)))
    first, second = [], []
    for drive, (is_together, is_named) in tried.items():
        full, in_log = drive.dongle_id, drive if is_named else replace(drive, dongle_id="")
        qlog = put(store, full, in_log, 0, "qlog")
        rlog = put(store, full[-8:], in_log, 0, "rlog")
        if not is_together:
            first.append(rlog)
            second.append(qlog)
    store.ingest(*first)
    store.ingest(*second)
    store.ingest()

    assert drives(store) == [(drive.dongle_id, ONE.name, 1) for drive in tried]
    assert store.segments("segment_num, log_kind") == [(0, "rlog")] * 4


def test_what_is_in_both_folders_counts_once_and_is_not_read_again(store):
    for folder in (SHORT, FULL):
        for number in range(2):
            put(store, folder, NAMELESS, number)
    store.ingest()

    assert drives(store) == [(FULL, ONE.name, 2)]
    assert store.ingest().to_read == []
    engaged = store.row("select sum(n_engagements) as n from drives")
    assert engaged == {"n": 4}


def test_a_short_name_that_two_devices_could_have_stays_one_of_its_own(store):
    put(store, FULL, ONE, 0)
    put(store, TWIN, replace(OTHER, dongle_id=TWIN), 0)
    put(store, SHORT, NAMELESS, 1)
    store.ingest()

    assert drives(store) == [
        (FULL, ONE.name, 1),
        (SHORT, ONE.name, 1),
        (TWIN, OTHER.name, 1),
    ]


def test_who_knows_can_join_devices(store):
    test_a_short_name_that_two_devices_could_have_stays_one_of_its_own(store)

    assert join_devices(store.database, SHORT, FULL).n_drives == 1
    assert drives(store) == [(FULL, ONE.name, 2), (TWIN, OTHER.name, 1)]
    with pytest.raises(NotFoundError):
        join_devices(store.database, "0badc0de", FULL)
    for old in (SHORT, FULL):
        with pytest.raises(InputError):
            join_devices(store.database, old, FULL)


def test_an_old_entry_is_of_the_device_whose_id_ends_so(store):
    import_files(store.database, [entry_of(store, SHORT, "2023-01-01--00-00-00")])
    assert imported(store)[0][:2] == (SHORT, "2023-01-01--00-00-00")
    write(store.logs, ONE, 0)
    store.ingest()

    assert imported(store)[0][:2] == (FULL, "2023-01-01--00-00-00")
    assert {row[0] for row in drives(store)} == {FULL}


@pytest.mark.parametrize("is_first", [True, False])
def test_a_drive_with_logs_hides_the_entry_under_the_short_name(store, is_first):
    entry = entry_of(store, SHORT)
    write(store.logs, ONE, 0)
    if is_first:
        import_files(store.database, [entry])
    store.ingest()
    import_files(store.database, [entry])
    generation = store.generation()
    report = import_files(store.database, [entry])

    assert drives(store) == [(FULL, ONE.name, 1)]
    assert report.n_drives_written == 0
    assert report.n_drives_superseded == 1
    assert store.generation() == generation


def test_of_entries_under_both_names_the_later_one_counts(store):
    first = entry_of(store, SHORT, intervention_count=1)
    last = entry_of(store, FULL, intervention_count=2)
    import_files(store.database, [first, last])

    [(dongle_id, _, source)] = imported(store)
    assert (dongle_id, source) == (FULL, str(last))


@pytest.mark.parametrize("is_entry_first", [True, False])
def test_old_folders_full_ones_and_entries_are_one_device_and_no_drive_twice(store, is_entry_first):
    gone = "2023-01-01--00-00-00"
    entries = [entry_of(store, SHORT), entry_of(store, FULL, gone)]
    if is_entry_first:
        import_files(store.database, entries)
    for number, folder in enumerate((SHORT, FULL, FULL[:8])):
        put(store, folder, ONE, number)
        put(store, folder, ONE, 0)
    store.ingest()
    if not is_entry_first:
        import_files(store.database, entries)

    assert [row[:2] for row in drives(store)] == [(FULL, gone), (FULL, ONE.name)]
    assert store.segments("segment_num") == [(0,), (1,), (2,)]
    assert store.row("select n_drives from devices") == {"n_drives": 2}


def test_labels_come_along(store):
    put(store, SHORT, NAMELESS, 0)
    store.ingest()
    [event] = store.rows("select event_id from events where kind = 'disengagement' limit 1")
    label_events(store.database, [event["event_id"]], "true")
    put(store, FULL, ONE, 1)
    store.ingest()

    labelled = store.rows("select dongle_id, label from events where label is not null")
    assert labelled == [{"dongle_id": FULL, "label": "true"}]


HEX = st.text("0123456789abcdef", min_size=16, max_size=16)


@given(st.sets(HEX, max_size=5), st.sets(HEX.map(lambda text: text[:8]), max_size=3), st.data())
def test_a_short_name_is_joined_only_with_the_one_id_that_it_can_be_of(full_ids, others, data):
    ends = {one[-8:] for one in full_ids if data.draw(st.booleans())}
    starts = {one[:8] for one in full_ids if data.draw(st.booleans())}
    shorts = others | ends | starts
    found = full_dongle_ids(full_ids | shorts)

    for short in shorts:
        ending = [one for one in full_ids if one[8:] == short]
        beginning = [one for one in full_ids if one[:8] == short]
        alike = ending or beginning
        assert found.get(short) == (alike[0] if len(alike) == 1 else None)
        for one in alike:
            assert is_short_for(short, one)
            assert short in short_dongle_ids(one)
