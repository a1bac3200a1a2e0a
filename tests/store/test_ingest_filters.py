"""Devices, drives and dates: what was not asked for stays out of the database."""

from __future__ import annotations

from datetime import date

import pytest

from engagement.extract.segment import ReadOptions
from engagement.filters import Selection
from tests.store.small_logs import ONE, OTHER, SECOND_NS, WALL_NS, Drive, content, write

DAY_NS = 86_400 * SECOND_NS
# They start five seconds before midnight, UTC, so that the second segment is of the next day.
LATE_NS = WALL_NS // DAY_NS * DAY_NS + DAY_NS - 5 * SECOND_NS
COUNTED = Drive("aaaaaaaaaaaaaaaa", "0000002a--0123456789", wall_ns=LATE_NS)
EVENING = Drive("bbbbbbbbbbbbbbbb", "2024-01-01--23-59-55", wall_ns=LATE_NS)


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Drives that start on 2 January, on 3 February, and on 1 or 2 January late at night."""
    folder = tmp_path_factory.mktemp("filters")
    for drive in (ONE, OTHER):
        write(folder, drive, 0)
    for drive in (COUNTED, EVENING):
        for number in range(2):
            write(folder, drive, number)
    return folder


def found(store):
    return {drive for (drive,) in store.segments("drive")}


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection.of(device=ONE.dongle_id), {ONE}),
        (Selection.of(drive=OTHER.name), {OTHER}),
        (Selection.of(device=ONE.dongle_id, drive=OTHER.name), set()),
        (Selection.of(since=date(2024, 1, 3)), {OTHER}),
        (Selection.of(since=date(2024, 1, 2), until=date(2024, 1, 2)), {ONE, COUNTED}),
        (Selection.of(until=date(2024, 1, 1)), {EVENING}),
    ],
    ids=["device", "drive", "both", "since", "one day", "until"],
)
def test_only_what_was_asked_for_is_ingested(store, logs, selection, expected):
    report = store.ingest(logs, selection=selection)

    assert found(store) == {drive.name for drive in expected}
    n_wanted = sum(2 if drive in (COUNTED, EVENING) else 1 for drive in expected)
    assert (report.n_ingested, report.n_filtered) == (n_wanted, 6 - n_wanted)


def test_a_log_whose_path_says_nothing_is_filtered_by_what_is_in_it(store):
    for number, drive in enumerate((ONE, OTHER)):
        path = store.logs / str(number) / "rlog"
        path.parent.mkdir()
        path.write_bytes(content(drive, 0))
    before = store.state()

    report = store.ingest(
        selection=Selection.of(device=COUNTED.dongle_id), read=ReadOptions(device=COUNTED.dongle_id)
    )
    assert (report.n_ingested, report.n_filtered) == (0, 2)
    assert store.state() == before

    store.ingest(selection=Selection.of(device=OTHER.dongle_id))
    assert store.segments("dongle_id") == [(OTHER.dongle_id,)]
