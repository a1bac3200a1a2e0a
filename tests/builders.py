"""Random drives as base-table rows, and the ways to move them about and to insert them.

The drives are short and slow-sampled, on a 10 ms grid for the most part, so that every threshold of
the metrics is met exactly, missed by a little and passed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from tests.drive_messages import Message, drive_messages
from tests.drive_signals import SECOND_NS

if TYPE_CHECKING:
    from random import Random

    import duckdb

Row = dict[str, Any]
BaseTables = dict[str, list[Row]]

PER_DRIVE = ("drive", "segment")
MAX_DELAY_NS = 60_000_000
INGESTED_AT = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def random_drive(rng: Random, drive_id: int, *, is_whole: bool = False) -> BaseTables:
    """The rows of one drive; a whole one misses no segment, and its segments are not tiny."""
    messages = drive_messages(rng)
    written = sorted(messages, key=lambda m: m.mono_ns + rng.randrange(MAX_DELAY_NS))
    segments = _whole_segments(written, rng) if is_whole else _odd_segments(written, rng)
    kinds = rng.choice(
        (("rlog",), ("rlog",), ("qlog",), ("rlog",) if is_whole else ("rlog", "qlog"))
    )
    tables: BaseTables = {
        "drive": [
            {
                "drive_id": drive_id,
                "dongle_id": f"{drive_id % 3:016x}",
                "drive": f"{drive_id:08x}--0123456789",
                "host": "",
            }
        ],
        "segment": [],
    }
    for number, chosen in segments.items():
        _add_segment(tables, drive_id, number, chosen, rng.choice(kinds))
    if not is_whole and rng.random() < 0.3:
        _add_failed_segments(tables, drive_id, rng)
    return tables


def merge(drives: list[BaseTables]) -> BaseTables:
    """All rows of several drives."""
    names = {name for tables in drives for name in tables}
    return {name: [row for tables in drives for row in tables.get(name, [])] for name in names}


def resegment(tables: BaseTables, rng: Random) -> BaseTables:
    """The same whole drive, split into segments elsewhere."""
    groups: dict[tuple[int, int], Message] = {}
    for table, rows in tables.items():
        for row in rows if table not in PER_DRIVE else []:
            where = row["segment_num"], row["message_num"]
            message = groups.setdefault(where, Message(row["mono_ns"], table, []))
            message.rows.append(row)
    written = [groups[where] for where in sorted(groups)]
    old = tables["segment"][0]
    moved: BaseTables = {"drive": tables["drive"], "segment": []}
    for number, chosen in _whole_segments(written, rng).items():
        _add_segment(moved, old["drive_id"], number, chosen, old["log_kind"])
    return moved


def insert(connection: duckdb.DuckDBPyConnection, tables: BaseTables) -> None:
    """Insert rows through Arrow, as the columns' own types; what a row lacks is null.

    A table without a schema is one of `log`.
    """
    for name, rows in tables.items():
        table = name if "." in name else f"log.{name}"
        schema = connection.sql(f"select * from {table} limit 0").to_arrow_table().schema
        connection.register("inserted_rows", pa.Table.from_pylist(rows, schema=schema))
        connection.execute(f"insert into {table} by name select * from inserted_rows")
        connection.unregister("inserted_rows")


def _whole_segments(written: list[Message], rng: Random) -> dict[int, list[Message]]:
    """Segments of 4 s at least: longer than any time that a sample can hold."""
    segments: dict[int, list[Message]] = {}
    cut_ns = 0
    for message in written:
        if message.mono_ns >= cut_ns:
            cut_ns = message.mono_ns + rng.randrange(4, 20) * SECOND_NS
            segments[len(segments)] = []
        segments[len(segments) - 1].append(message)
    return segments


def _odd_segments(written: list[Message], rng: Random) -> dict[int, list[Message]]:
    """Segments of any length, one message at least; some are not there."""
    segments: dict[int, list[Message]] = {}
    odds = rng.choice((0.0, 0.2))
    number = -1
    while written:
        number += 2 if rng.random() < odds else 1
        length_ns = rng.choice((0, 500_000_000, 4 * SECOND_NS, 15 * SECOND_NS, 60 * SECOND_NS))
        stop_ns = written[0].mono_ns + length_ns
        size = next((i for i, m in enumerate(written) if m.mono_ns > stop_ns), len(written))
        chosen, written = written[: max(size, 1)], written[max(size, 1) :]
        if not segments or rng.random() >= odds / 2:
            segments[number] = chosen
    return segments


def _add_segment(
    tables: BaseTables, drive_id: int, number: int, messages: list[Message], log_kind: str
) -> None:
    times = [message.mono_ns for message in messages]
    tables["segment"].append(
        _segment_row(drive_id, number, log_kind, "ok" if number % 3 else "partial")
        | {"n_messages": len(times), "start_mono_ns": min(times), "end_mono_ns": max(times)}
    )
    for message_num, message in enumerate(messages):
        place = {
            "drive_id": drive_id,
            "segment_num": number,
            "message_num": message_num,
            "mono_ns": message.mono_ns,
        }
        tables.setdefault(message.table, []).extend(row | place for row in message.rows)


def _add_failed_segments(tables: BaseTables, drive_id: int, rng: Random) -> None:
    """Logs that could not be read, in the place of missing segments or after the last one."""
    numbers = {row["segment_num"] for row in tables["segment"]}
    for number in range(max(numbers) + 2):
        if number not in numbers and rng.random() < 0.6:
            row = _segment_row(drive_id, number, rng.choice(("rlog", "qlog")), "failed")
            tables["segment"].append(row)


def _segment_row(drive_id: int, number: int, log_kind: str, status: str) -> Row:
    return {
        "drive_id": drive_id,
        "segment_num": number,
        "log_kind": log_kind,
        "codec": "zst",
        "path": f"{drive_id}--{number}/{log_kind}.zst",
        "size_bytes": 1,
        "mtime_ns": 1,
        "content_hash": f"{drive_id}-{number}",
        "raw_size_bytes": 1,
        "status": status,
        "n_messages": 0,
        "n_damaged_messages": 0,
        "ingested_at_utc": INGESTED_AT,
    }
