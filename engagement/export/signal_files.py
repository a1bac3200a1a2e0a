"""CAN signals as a file: one row a value, or one row a frame with a column a signal.

A file holds one log after the other, so memory is bounded by the largest. Names are
dictionary-encoded in Parquet and Arrow: a value takes a few bytes whatever it is called. In CSV
what is not a finite number is left empty.
"""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from engagement.errors import InputError
from engagement.export.plain_csv import CsvSink
from engagement.extract.can_decoding import extract_signals
from engagement.extract.frames import take_frames
from engagement.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from io import BufferedWriter
    from pathlib import Path

    from engagement.extract.can_decoding import CanFrames
    from engagement.extract.frames import DbcSignal
    from engagement.logs.arrays import PerValue

SUFFIXES = (".parquet", ".csv", ".arrow")
_NAMES = pa.dictionary(pa.int32(), pa.string())
_PLACE = ("time_s", "mono_ns", "bus")
_LONG_FIELDS: list[pa.Field[Any]] = [
    pa.field("time_s", pa.float64()),
    pa.field("mono_ns", pa.int64()),
    pa.field("bus", pa.uint8()),
    pa.field("address", pa.uint32()),
    pa.field("message", _NAMES),
    pa.field("signal", _NAMES),
    pa.field("value", pa.float64()),
    pa.field("unit", _NAMES),
]
LONG = pa.schema(_LONG_FIELDS)


class Sink(Protocol):
    """What takes tables of one schema."""

    def write_table(self, table: pa.Table) -> None:
        """Append the rows."""


def check_suffix(out: Path, known: tuple[str, ...] = SUFFIXES) -> str:
    """The format of a file by its name.

    Raises:
        InputError: If it is none of these.
    """
    if out.suffix.lower() not in known:
        raise InputError(f"{out}: the name says no format; it ends in {', '.join(known)}")
    return out.suffix.lower()


@contextmanager
def open_sink(out: Path, schema: pa.Schema) -> Iterator[Sink]:
    """A file for tables of one schema, that appears when all are in it.

    Raises:
        InputError: If its name says no format.
        OSError: If it can't be written.
    """
    suffix = check_suffix(out)
    with replacing(out) as file, _open(file, suffix, schema) as sink:
        yield sink


def _open(file: BufferedWriter, suffix: str, schema: pa.Schema) -> Any:
    if suffix == ".parquet":
        return pa.parquet.ParquetWriter(file, schema, compression="zstd")
    if suffix == ".arrow":
        return pa.ipc.new_file(file, schema)
    return nullcontext(_CsvSink(file, schema))


class _CsvSink:
    """CSV that plotting programs read; texts take the place of dictionaries."""

    def __init__(self, file: BufferedWriter, schema: pa.Schema) -> None:
        fields = [
            pa.field(field.name, pa.string()) if field.type == _NAMES else field for field in schema
        ]
        self._schema = pa.schema(fields)
        self._sink = CsvSink(file, self._schema)

    def write_table(self, table: pa.Table) -> None:
        for batch in table.cast(self._schema).to_batches():
            self._sink.write_batch(batch)


def long_table(frames: CanFrames, signals: Sequence[DbcSignal], *, start_ns: int) -> pa.Table:
    """One row a value, in the order of frames and, in a frame, of `signals`; as `LONG`.

    `time_s` counts from `start_ns`.
    """
    found = extract_signals(frames, [each.spec for each in signals])
    address = np.array([each.spec.address for each in signals], dtype=np.uint32)
    return pa.table(
        {
            "time_s": _seconds(found.mono_ns, start_ns),
            "mono_ns": found.mono_ns,
            "bus": found.bus,
            "address": address[found.key_num],
            "message": _names([each.message for each in signals], found.key_num),
            "signal": _names([each.signal for each in signals], found.key_num),
            "value": found.value,
            "unit": _names([each.unit for each in signals], found.key_num),
        },
        schema=LONG,
    )


def _names(names: list[str], codes: PerValue[Any]) -> pa.DictionaryArray[Any, Any]:
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), pa.array(names, pa.string()))


def wide_schema(signals: Sequence[DbcSignal]) -> pa.Schema:
    """The columns of a message's frames: where and when, then a column a signal with its unit."""
    fields = [LONG.field(name) for name in _PLACE]
    for each in signals:
        name = each.key if each.signal in _PLACE else each.signal
        meaning = {"unit": each.unit, "comment": each.comment}
        fields.append(pa.field(name, pa.float64(), metadata=meaning))
    return pa.schema(fields)


def wide_table(frames: CanFrames, signals: Sequence[DbcSignal], *, start_ns: int) -> pa.Table:
    """One row a frame of the message that all `signals` are of; null is what it does not carry.

    Frames that carry none of them, as ones that are too short, have no row.
    """
    address = signals[0].spec.address
    ours = take_frames(frames, np.flatnonzero(frames.address == address))
    values = np.zeros((len(signals), len(ours)))
    is_there = np.zeros((len(signals), len(ours)), dtype=np.bool_)
    for number, each in enumerate(signals):
        found = extract_signals(ours, [each.spec])
        values[number, found.frame_row] = found.value
        is_there[number, found.frame_row] = True
    rows = np.flatnonzero(is_there.any(axis=0))
    columns = [_seconds(ours.mono_ns[rows], start_ns), ours.mono_ns[rows], ours.bus[rows]]
    arrays = [pa.array(column) for column in columns]
    for value, has_value in zip(values, is_there, strict=True):
        arrays.append(pa.array(value[rows], mask=~has_value[rows]))
    return pa.table(arrays, schema=wide_schema(signals))


def _seconds(mono_ns: PerValue[Any], start_ns: int) -> PerValue[Any]:
    return (mono_ns - start_ns) / 1e9
