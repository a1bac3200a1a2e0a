"""A part of a drive as a table that PlotJuggler and pandas read: CSV or Parquet.

One row a sample time, and one more for each further sample that a channel has at that time. The
first columns are

    time_s, mono_ns              seconds from the drive's first sample, and logMonoTime
    event                        1 at the event that the clip is about, or at each one, else 0
    event_kind, event_cause      of every event of the database, in its row
    definitions                  number of those that the events are of

then `car_state/v_ego_mps`, `gps/gpsLocationExternal/latitude`, `can/odometer/bus0/value` and so on,
with a value where the channel has a sample at that time and null elsewhere: nothing is held or
interpolated.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Protocol

import pyarrow as pa
import pyarrow.parquet

from engagement.errors import InputError
from engagement.export.channels import bounds, find_channels
from engagement.export.mcap import write_mcap
from engagement.export.plain_csv import CsvSink
from engagement.export.window import ClipWindow, drive_window, event_window
from engagement.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from engagement.export.channels import Channel
    from engagement.store.query_types import Queryable

__all__ = [
    "SUFFIXES",
    "ClipReport",
    "ClipWindow",
    "drive_window",
    "event_window",
    "write_clip",
    "write_table",
]

SUFFIXES = (".csv", ".parquet", ".mcap")

_HEAD = ("time_s", "mono_ns", "event", "event_kind", "event_cause", "definitions")
_MARKS = """
select
    mono_ns,
    1 as repetition,
    string_agg(kind, ' ' order by kind) as event_kind,
    string_agg(cause, ' ' order by kind) as event_cause,
    bool_or($event_kind::varchar is null or (kind = $event_kind and mono_ns = $event_ns)) as is_it
from result.events
where drive_id = $drive_id and mono_ns >= $start_ns and mono_ns < $end_ns
group by mono_ns
"""


@dataclass(frozen=True, slots=True)
class ClipReport:
    """A file that was written.

    Attributes:
        path: Where it is.
        format: csv, parquet, mcap or rlog.
        counts: What is in it, by the noun: rows and columns of a table, messages and channels of
            MCAP, messages and segments of a log.
        size_bytes: How large it is.
    """

    path: Path
    format: str
    counts: Mapping[str, int]
    size_bytes: int


class _Sink(Protocol):
    def write_batch(self, batch: pa.RecordBatch) -> None: ...


def write_clip(reader: Queryable, clip: ClipWindow, out: Path) -> ClipReport:
    """Write the samples of a window, in the format that the file's name says.

    Raises:
        InputError: If the name says no format, there is no sample in the window, or MCAP is wanted
            without its extra.
        OSError: If the file can't be written.
    """
    suffix = out.suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{out}: the name says no format; it ends in {', '.join(SUFFIXES)}")
    channels = _channels(reader, clip)
    if suffix == ".mcap":
        counts = write_mcap(reader, clip, channels, out)
    else:
        with replacing(out) as file:
            counts = _write_table(reader, clip, channels, suffix, file)
    return ClipReport(out, suffix[1:], counts, out.stat().st_size)


def write_table(reader: Queryable, clip: ClipWindow, suffix: str, file: IO[bytes]) -> None:
    """Write the samples of a window to a stream: `.csv` or `.parquet`.

    Raises:
        InputError: If there is no sample in the window.
    """
    _write_table(reader, clip, _channels(reader, clip), suffix, file)


def _channels(reader: Queryable, clip: ClipWindow) -> list[Channel]:
    channels = find_channels(reader, clip)
    if not channels:
        raise InputError(
            f"{clip.drive}: there is no sample from {clip.part.start_s:g} s to "
            f"{clip.part.end_s:g} s; the drive is {clip.duration_s:.1f} s long"
        )
    return channels


def _write_table(
    reader: Queryable, clip: ClipWindow, channels: list[Channel], suffix: str, file: IO[bytes]
) -> dict[str, int]:
    schema = _schema(clip, channels)
    with _open(file, suffix, schema) as sink:
        n_rows = _write(reader, clip, channels, schema, sink)
    return {"row": n_rows, "column": len(schema)}


def _schema(clip: ClipWindow, channels: list[Channel]) -> pa.Schema:
    fields: list[pa.Field[Any]] = [
        pa.field("time_s", pa.float64(), metadata={"unit": "s"}),
        pa.field("mono_ns", pa.int64(), metadata={"unit": "ns"}),
        pa.field("event", pa.int8()),
        pa.field("event_kind", pa.string()),
        pa.field("event_cause", pa.string()),
        pa.field("definitions", pa.int32()),
    ]
    for channel in channels:
        for signal in channel.signals:
            unit = {"unit": signal.unit} if signal.unit else None
            name = f"{channel.name}/{signal.name}"
            fields.append(pa.field(name, _TYPES[signal.kind], metadata=unit))
    facts = {name: value for name, value in clip.facts().items() if value is not None}
    return pa.schema(fields, metadata={"engagement.clip": json.dumps(facts)})


_TYPES: dict[str, pa.DataType] = {
    "BOOLEAN": pa.bool_(), "FLOAT": pa.float32(), "DOUBLE": pa.float64(), "BIGINT": pa.int64(),
    "INTEGER": pa.int32(), "UTINYINT": pa.uint8(), "VARCHAR": pa.string(),
}  # fmt: skip


def _write(
    reader: Queryable, clip: ClipWindow, channels: list[Channel], schema: pa.Schema, sink: _Sink
) -> int:
    query = _wide(channels)
    event = clip.event
    marked = {
        "first_mono_ns": clip.part.first_mono_ns,
        "event_kind": event["kind"] if event else None,
        "event_ns": event["mono_ns"] if event else None,
        "definitions": clip.definitions,
    }
    n_rows = 0
    for start_ns, end_ns in clip.steps():
        table = reader.table(query, bounds(clip.part, start_ns, end_ns) | marked)
        for batch in table.cast(schema).to_batches():
            sink.write_batch(batch)
        n_rows += table.num_rows
    return n_rows


def _wide(channels: list[Channel]) -> str:
    """A query for the rows of the table: channels below each other, then joined by time.

    A channel's samples of one time are numbered, so each cell has one value at most.
    """
    parts = [_MARKS]
    selected = []
    for channel in channels:
        named = {f'"{_escaped(f"{channel.name}/{one.name}")}"': one for one in channel.signals}
        number = f"row_number() over (partition by mono_ns order by {channel.order}) as repetition"
        columns = [f"{signal.sql} as {name}" for name, signal in named.items()]
        parts.append(channel.sql(["mono_ns", number, *columns]))
        selected += [f"any_value({name}) as {name}" for name in named]
    head = [
        "(mono_ns - $first_mono_ns) / 1e9 as time_s",
        "mono_ns",
        "coalesce(any_value(is_it), false)::tinyint as event",
        "any_value(event_kind) as event_kind",
        "any_value(event_cause) as event_cause",
        "$definitions::integer as definitions",
    ]
    return (
        f"select {', '.join(head + selected)} from ({' union all by name '.join(parts)}) "
        "group by mono_ns, repetition order by mono_ns, repetition"
    )


def _escaped(name: str) -> str:
    return name.replace('"', '""')


@contextmanager
def _open(file: IO[bytes], suffix: str, schema: pa.Schema) -> Iterator[_Sink]:
    if suffix == ".csv":
        yield CsvSink(file, schema)
        return
    # Snappy is the codec that every reader of Parquet has.
    with pa.parquet.ParquetWriter(file, schema, compression="snappy") as sink:
        yield sink
