"""A public view as a Parquet or CSV file, in batches of rows, so that memory is bounded.

What the columns mean travels with a Parquet file: each field has the column's comment as its
metadata `comment`, and the file has the view's name and comment, and the number of the definitions.
Files appear whole or not at all.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from engagement.errors import NotFoundError, StoreError
from engagement.export.csv_tables import csv_schema, csv_table, inert_table
from engagement.export.numbered import COLUMN, is_numbered, numbered_batch, numbered_schema
from engagement.files import replacing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from engagement.store.reader import Reader

_BATCH_ROWS = 100_000


def write_parquet(reader: Reader, view: str, out: Path) -> int:
    """Write a view to a Parquet file, compressed by zstd, and say how many rows it has.

    Raises:
        NotFoundError: If there is no such view.
        StoreError: If DuckDB can't run it.
        OSError: If the file can't be written.
    """
    schema, batches = _open(reader, view)
    with (
        replacing(out) as file,
        pa.parquet.ParquetWriter(file, schema, compression="zstd") as sink,
    ):
        return _copy(batches, schema, sink)


def write_csv(reader: Reader, view: str, out: Path | IO[bytes], *, is_exact: bool = False) -> int:
    """Write a view as CSV with a header, null as nothing, and say how many rows it has.

    The last column is the number of the definitions. No spreadsheet runs a cell of it.

    Args:
        reader: The generation to read.
        view: Name of a public view.
        out: A file to replace, or a stream to write to, which stays open.
        is_exact: Leave texts as they are, also those that a spreadsheet runs.

    Raises:
        NotFoundError: If there is no such view.
        StoreError: If DuckDB can't run it.
        OSError: If the file can't be written.
    """
    schema, batches = _open(reader, view)
    if is_numbered(view):
        schema = numbered_schema(schema)
        batches = (numbered_batch(batch, reader.definitions) for batch in batches)
    schema = csv_schema(schema)
    to_csv = csv_table if is_exact else inert_table
    with _opened(out) as file, pa.csv.CSVWriter(file, schema) as sink:
        return _copy((_through(to_csv, batch) for batch in batches), schema, sink)


def _through(change: Callable[[pa.Table], pa.Table], batch: pa.RecordBatch) -> pa.RecordBatch:
    table = change(pa.Table.from_batches([batch])).combine_chunks()
    (found,) = table.to_batches() or [pa.RecordBatch.from_pylist([], table.schema)]
    return found


def _open(reader: Reader, view: str) -> tuple[pa.Schema, Iterator[pa.RecordBatch]]:
    """The view's schema with its comments, and its rows to come."""
    views = reader.views()
    if view not in views:
        raise NotFoundError("view", view, views)
    comments = reader.comments(view)
    try:
        batches = reader.connection.sql(f'select * from "{view}"').to_arrow_reader(_BATCH_ROWS)
    except duckdb.Error as error:
        raise StoreError(f"{view}: {error}") from error
    fields = [field.with_metadata({"comment": comments[field.name]}) for field in batches.schema]
    about: dict[bytes | str, bytes | str] = {
        "view": view,
        "comment": views[view],
    }
    if is_numbered(view):
        about[COLUMN] = str(reader.definitions)
    schema = pa.schema(fields, metadata=about)
    return schema, _computed(view, batches)


def _computed(view: str, batches: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """The batches; Arrow passes on what DuckDB has to say as an error of its own."""
    while True:
        try:
            batch = batches.read_next_batch()
        except StopIteration:
            return
        except (duckdb.Error, pa.ArrowException, OSError) as error:
            raise StoreError(f"{view}: {error}") from error
        yield batch


def _copy(
    batches: Iterator[pa.RecordBatch],
    schema: pa.Schema,
    sink: pa.parquet.ParquetWriter | pa.csv.CSVWriter,
) -> int:
    n_rows = 0
    for batch in batches:
        sink.write_batch(batch.cast(schema))
        n_rows += batch.num_rows
    return n_rows


def _opened(out: Path | IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    return replacing(out) if isinstance(out, Path) else nullcontext(out)
