"""What the database knows of logs, and how a log's tables get into it.

A segment is one log's rows, keyed by drive and segment number; a new log for it replaces just
those. Of a copy that is left out the drive's number is negated: see `engagement.store.copies`.
Rows go in as Arrow, several segments at a time.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from engagement.logs.codec import LIMIT_OPTION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import duckdb

    from engagement.extract.segment import SegmentLog

    Key = tuple[str, str, int]  # of a segment: dongle, drive and number

_TABLES_WITHOUT_LOGS = {"segment", "drive"}


@dataclass(frozen=True, slots=True)
class KnownSegment:
    """The log that a segment's rows are from.

    `is_outdated` says that it was read before the tables became what they are, which may lack what
    it says.
    """

    drive_id: int
    dongle_id: str
    drive: str
    segment_num: int
    log_kind: str
    path: str
    size_bytes: int
    mtime_ns: int
    content_hash: str
    status: str
    n_messages: int
    start_mono_ns: int | None = None
    end_mono_ns: int | None = None
    profile: str | None = None
    raw_size_bytes: int = 0
    damage: str | None = None
    is_outdated: bool = False

    def is_cut_below(self, limit_bytes: int) -> bool:
        """Whether it was read up to a lower limit than this."""
        is_cut = LIMIT_OPTION in (self.damage or "")
        return is_cut and self.raw_size_bytes < limit_bytes


def known_as(drive_id: int, key: Key, log: SegmentLog) -> KnownSegment:
    """What the database knows of a log once its rows are written."""
    dongle_id, drive, segment_num = key
    return KnownSegment(
        drive_id=drive_id,
        dongle_id=dongle_id,
        drive=drive,
        segment_num=segment_num,
        log_kind=log.log_kind,
        path=stored_path(log.file.path),
        size_bytes=log.file.size_bytes,
        mtime_ns=log.file.mtime_ns,
        content_hash=log.content_hash,
        status=log.status,
        n_messages=log.n_messages,
        start_mono_ns=log.start_mono_ns,
        end_mono_ns=log.end_mono_ns,
        profile=log.profile,
        raw_size_bytes=log.raw_size_bytes,
        damage=log.damage,
    )


def rank(log: SegmentLog | KnownSegment) -> tuple[bool, bool, bool, int]:
    """Sorts the logs of a segment: readable, an rlog, whole, with more messages."""
    return log.status != "failed", log.log_kind == "rlog", log.status == "ok", log.n_messages


def known_segments(connection: duckdb.DuckDBPyConnection) -> list[KnownSegment]:
    """Every segment in the database, copies that are left out included.

    Also of a database that the writer has yet to bring up to date, whose tables are in `main`.
    """
    place, migrations = (
        connection.execute(
            "select schema_name from duckdb_tables() "
            "where table_name = ? and database_name = current_database()",
            [table],
        ).fetchall()[0][0]
        for table in ("segment", "schema_migration")
    )
    query = (
        "select d.drive_id, d.dongle_id, d.drive, s.segment_num, s.log_kind, s.path, s.size_bytes,"
        " s.mtime_ns, s.content_hash, s.status, s.n_messages,"
        " s.start_mono_ns, s.end_mono_ns, s.profile, s.raw_size_bytes, s.damage,"
        f" s.ingested_at_utc < (select max(applied_at_utc) from {migrations}.schema_migration)"
        f" from {place}.segment as s inner join {place}.drive as d on abs(s.drive_id) = d.drive_id"
    )
    return [KnownSegment(*row) for row in connection.execute(query).fetchall()]


def drives_with_logs(connection: duckdb.DuckDBPyConnection) -> list[int]:
    """The drives that have a segment, a failed one included; not those of copies alone."""
    found = connection.execute(
        "select distinct drive_id from log.segment where drive_id > 0 order by drive_id"
    )
    return [drive_id for (drive_id,) in found.fetchall()]


def known_fingerprints(connection: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """The car of each drive whose logs name it, by device and drive."""
    query = (
        "select d.dongle_id, d.drive, arg_max(c.car_fingerprint, c.mono_ns)"
        " from log.car_params as c inner join log.drive as d on abs(c.drive_id) = d.drive_id"
        " where c.car_fingerprint is not null group by d.dongle_id, d.drive"
    )
    found = connection.execute(query).fetchall()
    return {(dongle_id, drive): fingerprint for dongle_id, drive, fingerprint in found}


def stored_path(path: Path) -> str:
    """A path as text that can be stored, also if its bytes are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "replace")


def drive_id_of(
    connection: duckdb.DuckDBPyConnection, dongle_id: str, drive: str, host: str = "offline"
) -> int:
    """The number of a drive, given one if it is new."""
    found = connection.execute(
        "select drive_id from log.drive where dongle_id = ? and drive = ?", [dongle_id, drive]
    ).fetchall()
    if found:
        return int(found[0][0])
    found = connection.execute("select coalesce(max(drive_id), 0) from log.drive").fetchall()
    highest = int(found[0][0])
    connection.execute(
        "insert into log.drive values (?, ?, ?, ?)", [highest + 1, dongle_id, drive, host]
    )
    return highest + 1


def log_tables(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables of schema `log` that hold rows of logs, a message or a part of one each."""
    query = (
        "select table_name from duckdb_tables() "
        "where schema_name = 'log' and database_name = current_database()"
    )
    names = {row[0] for row in connection.execute(query).fetchall()}
    return sorted(names - _TABLES_WITHOUT_LOGS)


def write_segments(
    connection: duckdb.DuckDBPyConnection, logs: Sequence[tuple[int, SegmentLog]]
) -> None:
    """Replace the rows of segments by those of logs, in one transaction.

    Args:
        connection: Of the writer.
        logs: Each with the number of its drive; no segment twice.
    """
    connection.execute("begin")
    try:
        _delete(connection, [(drive_id, log.segment_num) for drive_id, log in logs])
        _insert(connection, "segment", _segment_rows(logs))
        for table in log_tables(connection):
            parts = [
                _with_keys(log.tables[table], drive_id, log.segment_num)
                for drive_id, log in logs
                if table in log.tables and log.tables[table].num_rows
            ]
            if parts:
                _insert(connection, table, pa.concat_tables(parts, promote_options="permissive"))
    except BaseException:
        connection.execute("rollback")
        raise
    connection.execute("commit")


def touch_segment(
    connection: duckdb.DuckDBPyConnection, known: KnownSegment, path: Path, mtime_ns: int
) -> None:
    """Update the path and time of a segment whose log was found again, unchanged."""
    connection.execute(
        "update log.segment set path = ?, mtime_ns = ? where abs(drive_id) = ? and segment_num = ?",
        [stored_path(path), mtime_ns, known.drive_id, known.segment_num],
    )


def _delete(connection: duckdb.DuckDBPyConnection, keys: Sequence[tuple[int, int]]) -> None:
    wanted = ", ".join(
        f"({sign * drive_id}, {segment_num})" for drive_id, segment_num in keys for sign in (1, -1)
    )
    query = f"select count(*) from log.segment where (drive_id, segment_num) in ({wanted})"
    if not keys or not connection.execute(query).fetchall()[0][0]:
        return
    for table in ("segment", *log_tables(connection)):
        connection.execute(f"delete from log.{table} where (drive_id, segment_num) in ({wanted})")


def _insert(connection: duckdb.DuckDBPyConnection, table: str, batch: pa.Table) -> None:
    connection.register("batch", batch)
    connection.execute(f"insert into log.{table} by name select * from batch")
    connection.unregister("batch")


def _with_keys(table: pa.Table, drive_id: int, segment_num: int) -> pa.Table:
    keys = np.full(table.num_rows, drive_id, dtype=np.int32)
    numbers = np.full(table.num_rows, segment_num, dtype=np.int32)
    return table.append_column("drive_id", pa.array(keys)).append_column(
        "segment_num", pa.array(numbers)
    )


def _segment_rows(logs: Sequence[tuple[int, SegmentLog]]) -> pa.Table:
    rows = [
        {
            "drive_id": drive_id,
            "segment_num": log.segment_num,
            "log_kind": log.log_kind,
            "codec": log.codec,
            "path": stored_path(log.file.path),
            "size_bytes": log.file.size_bytes,
            "mtime_ns": log.file.mtime_ns,
            "content_hash": log.content_hash,
            "raw_size_bytes": log.raw_size_bytes,
            "raw_crc32": log.raw_crc32,
            "status": log.status,
            "damage": log.damage,
            "n_messages": log.n_messages,
            "n_damaged_messages": log.n_damaged_messages,
            "start_mono_ns": log.start_mono_ns,
            "end_mono_ns": log.end_mono_ns,
            "profile": log.profile,
            "ingested_at_utc": log.read_at_utc,
        }
        for drive_id, log in logs
    ]
    return pa.Table.from_pylist(rows)
