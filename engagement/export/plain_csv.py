"""CSV as PlotJuggler wants it.

It tells what a column is by its first value, takes numbers with an exponent, `true`, `nan` and
`inf` for text, and plots no text. So booleans are 1 and 0, numbers are written out, and what is
null or not a finite number is left empty. Only a text that needs quotes has them. No spreadsheet
runs a text or the name of a column: see `engagement.csv_cells`.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engagement.csv_cells import inert
from engagement.export.csv_tables import inert_texts

if TYPE_CHECKING:
    Column = pa.Array[Any]

_compute: Any = pc  # its stubs take neither texts nor lists for arrays


class CsvSink:
    """Writes the header at once, then batches of rows as they come."""

    def __init__(self, file: IO[bytes], schema: pa.Schema) -> None:
        self._file = file
        header = _quoted(pa.array(map(inert, schema.names), pa.string())).to_pylist()
        self._write_lines([",".join(header)])

    def write_batch(self, batch: pa.RecordBatch) -> None:
        """Append rows."""
        cells = [_as_text(column) for column in batch.columns]
        lines = _compute.binary_join_element_wise(
            *cells, ",", null_handling="replace", null_replacement=""
        )
        self._write_lines(lines.to_pylist())

    def _write_lines(self, lines: list[str]) -> None:
        self._file.writelines(f"{line}\n".encode() for line in lines)


def _as_text(column: Column) -> Any:
    if pa.types.is_string(column.type):
        return _quoted(inert_texts(column))
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8()).cast(pa.string())
    if not pa.types.is_floating(column.type):
        return column.cast(pa.string())
    finite: Column = _compute.if_else(
        _compute.is_finite(column), column, pa.scalar(None, column.type)
    )
    return _without_exponents(finite.cast(pa.string()), column.type.to_pandas_dtype())


def _quoted(texts: Column) -> Any:
    doubled = _compute.replace_substring(texts, '"', '""')
    quoted = _compute.binary_join_element_wise('"', doubled, '"', "")
    return _compute.if_else(_compute.match_substring_regex(texts, '[",\r\n]'), quoted, texts)


def _without_exponents(numbers: Column, kind: Any) -> Column:
    """The same numbers: 0.00001 for 1e-05."""
    has_exponent = _compute.match_substring(numbers, "e").fill_null(False)  # noqa: FBT003
    rows = np.flatnonzero(has_exponent.to_numpy(zero_copy_only=False))
    if not len(rows):
        return numbers
    texts = np.array(numbers.to_pylist(), dtype=object)
    texts[rows] = [np.format_float_positional(kind(texts[row]), trim="-") for row in rows]
    return pa.array(texts, pa.string())
