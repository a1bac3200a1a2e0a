"""Fields of a log as a file: Parquet and Arrow have all types, CSV and MCAP have JSON for lists.

In CSV bytes are hexadecimal, and what is not a finite number is left empty.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet

from engagement.export.field_mcap import write_field_mcap
from engagement.export.plain_csv import CsvSink
from engagement.export.signal_files import SUFFIXES, check_suffix
from engagement.files import replacing

if TYPE_CHECKING:
    from io import BufferedWriter
    from pathlib import Path

FORMATS = (*SUFFIXES, ".mcap")


def write_fields(table: pa.Table, out: Path) -> None:
    """Write a table of `read_log` to a file that is there when all is in it.

    Raises:
        InputError: If its name says no format, or of one whose extra is not installed.
        OSError: If it can't be written.
    """
    suffix = check_suffix(out, FORMATS)
    with replacing(out) as file:
        _write(table, suffix, file)


def _write(table: pa.Table, suffix: str, file: BufferedWriter) -> None:
    if suffix == ".parquet":
        pa.parquet.write_table(table, file, compression="zstd")
    elif suffix == ".arrow":
        with pa.ipc.new_file(file, table.schema) as writer:
            writer.write_table(table)
    elif suffix == ".mcap":
        write_field_mcap(table, file)
    else:
        write_csv(table, file)


def write_csv(table: pa.Table, file: Any) -> None:
    """Write a table as CSV to a binary file."""
    plain = pa.table([_plain(column) for column in table.columns], names=table.column_names)
    sink = CsvSink(file, plain.schema)
    for batch in plain.to_batches():
        sink.write_batch(batch)


def _plain(column: pa.ChunkedArray[Any]) -> Any:
    """A column of numbers, bools or texts."""
    if pa.types.is_dictionary(column.type):
        return column.cast(pa.string())
    if pa.types.is_nested(column.type):
        texts = [None if each is None else _json(each) for each in column.to_pylist()]
        return pa.chunked_array([texts], pa.string())
    if pa.types.is_binary(column.type):
        texts = [None if each is None else each.hex() for each in column.to_pylist()]
        return pa.chunked_array([texts], pa.string())
    return column.cast(pa.string()) if pa.types.is_null(column.type) else column


def _json(value: Any) -> str:
    return json.dumps(value, default=bytes.hex, separators=(",", ":"))
