"""Copies of a log count once, the same one in any order of ingest, and come back when it goes."""

from __future__ import annotations

import shutil
from itertools import chain, permutations
from random import Random
from typing import TYPE_CHECKING

import duckdb
import pytest

from engagement.names import route_name
from engagement.store.ingestion import recompute
from engagement.store.segments import log_tables
from tests.store.small_logs import ONE, Drive, content, write
from tests.store.stores import OF_THE_FILE, Store, public_views

if TYPE_CHECKING:
    from pathlib import Path

RENAMED = "0000002a--0123456789"
OLD_FOLDER = "0badc0de"  # of no device here
COUNTED = (
    "select dongle_id, drive, segment_num from segments order by dongle_id, drive, segment_num"
)


def copy(path: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    return shutil.copy(path, target)


def counted(store: Store) -> list[tuple[str, str, int]]:
    return [tuple(row.values()) for row in store.rows(COUNTED)]


def left_out(store: Store) -> list[tuple[str, str, int]]:
    query = (
        "select dongle_id, drive, segment_num from staging.segment_copies "
        "inner join log.drive using (drive_id) where not is_counted order by all"
    )
    return [tuple(row.values()) for row in store.rows(query)]


def put(store: Store, device: str, log: str, data: bytes) -> Path:
    """A log of the drive in a device's folder; `log` is its segment and kind, as `0/rlog`."""
    path = store.logs / device / f"{ONE.name}--{log}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def copies_of(store: Store, drive: Drive = ONE, old_folder: str = OLD_FOLDER) -> list[Path]:
    """A segment under its own device, in an old folder, and renamed with another packing."""
    own = write(store.logs, drive, 0)
    other = copy(own, store.logs / old_folder / f"{drive.name}--0" / "rlog")
    renamed = store.logs / drive.dongle_id / f"{RENAMED}--3" / "rlog.bz2"
    renamed.parent.mkdir(parents=True)
    renamed.write_bytes(content(drive, 0, codec="bz2"))
    return [own, other, renamed]


def test_the_same_copy_counts_whatever_the_order(store):
    """Each order is tried by a device of its own, side by side."""
    steps: list[list[Path]] = [[], [], []]
    kept, rest = [], []
    for number, order in enumerate(permutations(range(3)), start=1):
        drive, old_folder = Drive(f"{number:016x}", shift_s=number / 10), f"0badc0d{number:x}"
        paths = copies_of(store, drive, old_folder)
        for step, which in zip(steps, order, strict=True):
            step.append(paths[which])
        # Both of the device's own; of these the first by name.
        kept.append((drive.dongle_id, RENAMED, 3))
        rest += [(drive.dongle_id, ONE.name, 0), (old_folder, ONE.name, 0)]
    for step in steps:
        store.ingest(*step)

    assert counted(store) == sorted(kept)
    assert left_out(store) == sorted(rest)
    assert store.ingest(*chain(*steps)).to_read == []
    assert counted(store) == sorted(kept)


def test_views_are_those_of_the_counted_copy_alone(store, empty_database):
    own = write(store.logs, ONE, 0)
    other = copy(own, store.folder / OLD_FOLDER / f"{ONE.name}--0" / "rlog")
    alone = Store(store.folder / "alone")
    alone.folder.mkdir()
    alone.copy_of(empty_database)
    for path in (own, write(store.logs, ONE, 1)):
        store.ingest(other, path)
        alone.ingest(path)
    hidden = {*OF_THE_FILE, "drive_id"}
    assert public_views(store.database, hidden=hidden) == public_views(
        alone.database, hidden=hidden
    )


def test_a_copy_comes_back_when_the_counted_one_becomes_another_log(store):
    own = write(store.logs, ONE, 0)
    store.ingest(own)
    before = store.row("select * exclude (drive_id, dongle_id, route_name) from drives")
    other = copy(own, store.logs / OLD_FOLDER / f"{ONE.name}--0" / "rlog")
    store.ingest(other)
    assert counted(store) == [(ONE.dongle_id, ONE.name, 0)]

    own.write_bytes(content(Drive(shift_s=1.0), 0))
    store.ingest(own)

    assert counted(store) == [(ONE.dongle_id, ONE.name, 0), (OLD_FOLDER, ONE.name, 0)]
    assert left_out(store) == []
    back = store.row(
        f"select * exclude (drive_id, dongle_id, route_name) from drives "
        f"where dongle_id = '{OLD_FOLDER}'"
    )
    assert back == before

    own.write_bytes(content(ONE, 0))
    store.ingest(own)
    assert counted(store) == [(ONE.dongle_id, ONE.name, 0)]
    assert left_out(store) == [(OLD_FOLDER, ONE.name, 0)]


def test_a_copy_comes_back_when_the_counted_one_is_removed(store):
    own = write(store.logs, ONE, 0)
    copy(own, store.logs / OLD_FOLDER / f"{ONE.name}--0" / "rlog")
    store.ingest()
    with duckdb.connect(str(store.database)) as connection:
        for table in ("segment", *log_tables(connection)):
            connection.execute(f"delete from log.{table} where drive_id > 0")

    recompute(store.database)

    assert counted(store) == [(OLD_FOLDER, ONE.name, 0)]
    assert store.row("select engaged_s > 0 as is_engaged from drives") == {"is_engaged": True}


def test_a_segment_left_out_is_not_missing(store):
    """A renamed copy of a drive's middle segment, under a name that goes first."""
    for number in range(3):
        path = write(store.logs, ONE, number)
        if number == 1:
            copy(path, store.logs / ONE.dongle_id / f"{RENAMED}--0" / "rlog")
    store.ingest()
    numbers = store.rows("select drive, n_segments, n_missing_segments from drives order by drive")
    assert [tuple(row.values()) for row in numbers] == [(RENAMED, 1, 0), (ONE.name, 2, 0)]
    quality = store.row(f"select n_left_out_segments from data_quality where drive = '{ONE.name}'")
    assert quality == {"n_left_out_segments": 1}


def qlog_of(store: Store, number: int, device: str = OLD_FOLDER) -> Path:
    """The qlog of a segment, in another folder."""
    return put(store, device, f"{number}/qlog", content(ONE, number, "qlog"))


@pytest.mark.parametrize("is_rlog_first", [True, False])
def test_the_rlog_and_the_qlog_of_a_minute_count_once(store, is_rlog_first):
    """Of three minutes the second has both, under two names; the others have one of them."""
    rlogs = [write(store.logs, ONE, number) for number in (0, 1)]
    qlogs = [qlog_of(store, number) for number in (1, 2)]
    for paths in (rlogs, qlogs) if is_rlog_first else (qlogs, rlogs):
        store.ingest(*paths)
    assert counted(store) == [
        (ONE.dongle_id, ONE.name, 0),
        (ONE.dongle_id, ONE.name, 1),
        (OLD_FOLDER, ONE.name, 2),
    ]
    assert left_out(store) == [(OLD_FOLDER, ONE.name, 1)]


def test_an_rlog_counts_wherever_the_qlog_lies(store):
    """The qlog lies under its own device, the rlog under another name."""
    rlog = copy(write(store.folder, ONE, 0), store.logs / OLD_FOLDER / f"{ONE.name}--0" / "rlog")
    store.ingest(qlog_of(store, 0, ONE.dongle_id), rlog)
    assert counted(store) == [(OLD_FOLDER, ONE.name, 0)]
    assert left_out(store) == [(ONE.dongle_id, ONE.name, 0)]
    assert store.row("select log_kind from drives") == {"log_kind": "rlog"}


CUT = [  # the kind of the cut log and of the whole one, how much is left, which comes first
    ("rlog", "qlog", 0.3, True),
    ("rlog", "qlog", 0.1, False),
    ("rlog", "rlog", 0.3, False),
    ("qlog", "qlog", 0.8, True),
]


def test_a_cut_log_and_a_whole_one_of_a_minute_count_once(store):
    """Of two minutes the first has a log that was cut, and under another name a whole one."""
    steps: list[list[Path]] = [[], [], []]
    wanted = []
    for number, (cut_kind, whole_kind, share, is_cut_first) in enumerate(CUT, start=1):
        drive, old_folder = Drive(f"{number:016x}", shift_s=number / 10), f"0badc0d{number:x}"
        whole_bytes = content(drive, 0, cut_kind)
        cut = put(
            store, drive.dongle_id, f"0/{cut_kind}", whole_bytes[: round(len(whole_bytes) * share)]
        )
        whole = put(store, old_folder, f"0/{whole_kind}", content(drive, 0, whole_kind))
        after = put(store, old_folder, "1/qlog", content(drive, 1, "qlog"))
        paths = [cut, whole, after]
        for step, path in zip(steps, paths if is_cut_first else reversed(paths), strict=True):
            step.append(path)
        # An rlog has what a qlog lacks, as where both lie in one folder.
        counts_cut = cut_kind == "rlog" and whole_kind == "qlog"
        wanted += [(drive.dongle_id if counts_cut else old_folder, ONE.name, 0)]
        wanted += [(old_folder, ONE.name, 1)]
    for step in steps:
        store.ingest(*step)

    assert counted(store) == sorted(wanted)
    assert len(left_out(store)) == len(CUT)


@pytest.mark.parametrize(
    "other",
    [
        Drive(dongle_id="fedcba9876543210"),
        Drive(wall_ns=ONE.wall_ns + 86_400 * 10**9),
    ],
    ids=["another device", "another day"],
)
def test_a_qlog_of_something_else_is_no_copy(store, other):
    write(store.logs, ONE, 0)
    path = store.logs / OLD_FOLDER / f"{ONE.name}--0" / "qlog"
    path.parent.mkdir(parents=True)
    path.write_bytes(content(other, 0, "qlog"))
    store.ingest()
    assert len(counted(store)) == 2
    assert left_out(store) == []


def test_random_copies_count_as_the_rule_says(store):
    """Logs under random names, in random steps, against the rule in Python."""
    rng = Random(7)
    devices = [ONE.dongle_id, OLD_FOLDER, "fedcba9876543210"]
    names = [(device, f"0000000{n}--0123456789", k) for device in devices for n in range(2)
             for k in range(2)]  # fmt: skip
    now: dict[tuple[str, str, int], int] = {}
    for _ in range(8):
        name, number = rng.choice(names), rng.randrange(2)
        now[name] = number
        device, drive, segment = name
        path = store.logs / device / f"{drive}--{segment}" / "rlog"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(ONE, number))
        store.ingest(path)
        wanted = {
            min((one for one in now if now[one] == value),
                key=lambda one: (one[0] != ONE.dongle_id, one))
            for value in now.values()
        }  # fmt: skip
        assert set(counted(store)) == wanted
        assert set(left_out(store)) == now.keys() - wanted
        drives = {row["route_name"] for row in store.rows("select route_name from drives")}
        assert drives == {route_name(*one[:2]) for one in wanted}


def test_no_row_of_a_copy_is_in_a_view_or_result(store):
    copies_of(store)
    store.ingest()
    with duckdb.connect(str(store.database), read_only=True) as connection:
        query = (
            "select schema_name || '.' || table_name from duckdb_columns() where "
            "column_name = 'drive_id' and schema_name in ('main', 'result')"
        )
        for (table,) in connection.execute(query).fetchall():
            found = connection.execute(f"select count(*) from {table} where drive_id < 0")
            assert found.fetchall() == [(0,)], table
