from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engagement.errors import InputError, NotFoundError
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.drive_names import NamedDrive
from engagement.store.fingerprints import (
    DRIVE_TABLES,
    OTHER_TABLES,
    SHARED_TABLES,
    Drives,
    read_drives,
)
from engagement.store.reader import Reader
from engagement.store.segments import log_tables
from engagement.store.serving import Publication

if TYPE_CHECKING:
    from pathlib import Path

DRIVES = """
insert into log.drive values
    (1, 'aa', 'one', 'h'), (2, 'aa', 'two', 'h'), (3, 'bb', 'one', 'h'), (4, 'bb', 'bare', 'h');
insert into log.segment
    select drive_id, number, 'rlog', 'none', 'p', 1, 1, drive_id || 'x' || number, 1, 'ok', null,
        100 * drive_id + number, 0, 10 * drive_id + number, 10 * drive_id + number + 1, null,
        '2024-01-01'::timestamp, null
    from log.drive cross join range(2) as numbers(number)
    where drive_id < 3;
insert into store.event_label values ('aa', 'two', 'override', 7, 'ok', null, '2024-01-01');
insert into store.imported_drive select 3, '{}', 'p', '2024-01-01'::timestamp;
"""
COPY = (
    "insert into log.segment select 4, * exclude (drive_id) from log.segment "
    "where drive_id = 1 and segment_num = 1"
)
SET_ASIDE = "update log.segment set drive_id = -1 where drive_id = 1 and segment_num = 1"
LABEL = (
    "insert into store.event_label values ('aa', 'one', 'override', 7, 'ok', null, '2024-01-01')"
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("fingerprints") / "engagement.duckdb"
    publish(path, DRIVES)
    return path


def publish(path: Path, statements: str) -> None:
    with writer_lock(path), Writer(path) as writer:
        writer.connection.execute(statements)
        writer.publish()


def read(path: Path) -> Drives:
    publication = Publication(path)
    with publication.newest() as generation:
        drives = read_drives(generation)
        assert read_drives(generation) is drives
    publication.close()
    return drives


def changed_by(path: Path, statements: str) -> set[int]:
    """The drives whose fingerprints differ once something has been published."""
    before = read(path)
    publish(path, statements)
    after = read(path)
    return {
        drive_id
        for drive_id in {*before.contents, *after.contents}
        if before.fingerprint(drive_id) != after.fingerprint(drive_id)
    }


def test_every_table_is_of_logs_or_has_its_place_here(path):
    with Reader(path) as reader:
        of_logs = {*log_tables(reader.connection)}
        tables = reader.rows(
            "select schema_name || '.' || table_name as name from duckdb_tables() "
            "where schema_name <> 'result' and database_name = 'engagement'"
        )

    found = {row["name"] for row in tables} - {f"log.{table}" for table in of_logs - {"video"}}
    assert found == {*DRIVE_TABLES, *SHARED_TABLES, *OTHER_TABLES}


def test_drives_are_found_by_name_and_number_unless_nothing_is_known_of_them(path):
    drives = read(path)

    for name in ("bb|one", "bb/one", "3", "003"):
        assert drives.names.find(name) == NamedDrive(3, "bb", "one")
    with pytest.raises(InputError, match=r"'one' is the name of 2 drives: aa\|one, bb\|one"):
        drives.names.find("one")
    for name in ("cc|one", "none", "bare", "4", "tw", "b|one", "", "|"):
        with pytest.raises(NotFoundError):
            drives.names.find(name)
    assert drives.contents.keys() == drives.names.by_number.keys() == {1, 2, 3}


@pytest.mark.parametrize(
    ("statements", "changed"),
    [
        ("select 1", set()),
        ("insert into store.ingest_run select now(), now(), 'x', 1, 1, 1, 1, 1", set()),
        ("update log.segment set ingested_at_utc = '2024-02-01' where drive_id = 2", {2}),
        ("update log.segment set path = 'q' where drive_id = 1 and segment_num = 1", {1}),
        ("delete from log.segment where drive_id = 1 and segment_num = 0", {1}),
        ("delete from log.segment where drive_id = 2", {2}),
        (COPY, {4}),
        (SET_ASIDE, {1}),
        (f"{SET_ASIDE}; delete from log.segment where drive_id = 1", {1}),
        ("update log.drive set host = 'other' where drive_id = 3", {3}),
        ("""update store.imported_drive set entry = '{"x": 1}'""", {3}),
        (LABEL, {1}),
        (f"{LABEL}; {LABEL}", {1}),
        ("update store.event_label set note = 'x'", {2}),
        ("delete from store.event_label", {2}),
        ("update store.parameter set value = 1 + value where name ilike 'c%'", {1, 2, 3}),
        ("update store.state set sql_hash = 'other'", {1, 2, 3}),
        ("insert into store.saved_moment values ('x', 'engaged', '2024-01-01')", {1, 2, 3}),
    ],
)  # fmt: skip
def test_what_is_changed_of_a_drive_changes_its_fingerprint_and_no_other(
    path, tmp_path, statements, changed
):
    copy = tmp_path / "engagement.duckdb"
    copy.write_bytes(path.read_bytes())

    assert changed_by(copy, statements) == changed
