"""Which definitions rows are of, said beside them: as their last column where nothing else can.

Parquet and Arrow have metadata for it, JSON documents a field; CSV and lists of rows in JSON have
neither, and are soon apart from whatever came with them. The old system's views have definitions of
their own.
"""

from __future__ import annotations

import pyarrow as pa

COLUMN = "definitions"
_FIELD = pa.field(COLUMN, pa.int32())


def is_numbered(view: str) -> bool:
    """Whether a view's numbers are of these definitions."""
    return not view.startswith("legacy_")


def numbered_schema(schema: pa.Schema) -> pa.Schema:
    """A schema with the column."""
    return schema if COLUMN in schema.names else schema.append(_FIELD)


def numbered_batch(batch: pa.RecordBatch, definitions: int) -> pa.RecordBatch:
    """Rows with the column."""
    if COLUMN in batch.schema.names:
        return batch
    values = pa.array([definitions] * batch.num_rows, _FIELD.type)
    fields = [*batch.schema, _FIELD]
    return pa.RecordBatch.from_arrays([*batch.columns, values], schema=pa.schema(fields))


def numbered_table(table: pa.Table, definitions: int) -> pa.Table:
    """A table with the column."""
    values = pa.array([definitions] * table.num_rows, _FIELD.type)
    return table if COLUMN in table.column_names else table.append_column(_FIELD, values)
