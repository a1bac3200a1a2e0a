"""Estimates the memory of rows: about what Arrow would need for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

_VALUE_BYTES = 8
# The DuckDB types whose values take no more than that.
_FIXED = frozenset({
    "BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER",
    "UBIGINT", "FLOAT", "DOUBLE", "DATE", "TIME", "TIMESTAMP", "NUMBER", "DATETIME", "bool",
})  # fmt: skip


class Sizes:
    """The sizes of rows whose columns have these types."""

    def __init__(self, types: Sequence[str]) -> None:
        self._row_bytes = len(types) * _VALUE_BYTES
        self._longer = [number for number, kind in enumerate(types) if kind not in _FIXED]

    def sum_bytes(self, rows: Sequence[tuple[Any, ...]]) -> int:
        """The sum of some rows."""
        longer = sum(_more_bytes(row[number]) for number in self._longer for row in rows)
        return len(rows) * self._row_bytes + longer


def _more_bytes(value: Any) -> int:
    """The bytes of a text, list or struct beyond those of one value."""
    if isinstance(value, str | bytes):
        return len(value)
    if isinstance(value, dict):
        return sum(_VALUE_BYTES + _more_bytes(part) for part in value.values())
    if isinstance(value, list | tuple):
        return sum(_VALUE_BYTES + _more_bytes(part) for part in value)
    return 0
