"""The order of a view's rows, and cursors in it.

A cursor has the values of the order's columns in the last row of a page, so the next page begins
after that row whatever was published meanwhile. Each order ends with columns that make it unique.
Litestar defines the shape of such pages, but no queries.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from engagement.api.problems import ParameterError
from engagement.errors import suggestion

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engagement.store.serving import Column

_NEWEST_FIRST = {"drives": "-started_at"}
MAX_SORT_COLUMNS = 4
_TYPES: Mapping[str, type] = {
    "VARCHAR": str,
    "BOOLEAN": bool,
    "INTEGER": int,
    "BIGINT": int,
    "FLOAT": float,
    "DOUBLE": float,
}
_INT64 = range(-(2**63), 2**63)


@dataclass(frozen=True, slots=True)
class Key:
    """A column that rows are ordered by."""

    column: Column
    is_descending: bool = False

    @property
    def sql(self) -> str:
        """Its part of `order by`; nulls are last in both directions."""
        return f'"{self.column.name}" {"desc" if self.is_descending else "asc"} nulls last'


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the rows of a view in which no two rows are equal."""

    view: str
    keys: tuple[Key, ...]

    @property
    def sql(self) -> str:
        """The text after `order by`."""
        return ", ".join(key.sql for key in self.keys)

    def cursor_after(self, row: Mapping[str, Any]) -> str:
        """The cursor of the page after the one that ends with a row."""
        values = [_plain(row[key.column.name]) for key in self.keys]
        packed = msgspec.msgpack.encode([self._signature, *values])
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    def after(self, cursor: str) -> tuple[str, dict[str, Any]]:
        """The condition on rows to come after a cursor, and the values of its parameters.

        Raises:
            ParameterError: If it is no cursor of this order.
        """
        values = self._read(cursor)
        condition = "false"
        for number, key in reversed(list(enumerate(self.keys))):
            name, value = f'"{key.column.name}"', f"$after_{number}"
            if values[number] is None:
                beyond = "false"
            else:
                beyond = f"({name} {'<' if key.is_descending else '>'} {value} or {name} is null)"
            condition = f"({beyond} or ({name} is not distinct from {value} and {condition}))"
        return condition, {f"after_{number}": value for number, value in enumerate(values)}

    @property
    def _signature(self) -> str:
        return f"{self.view}: {self.sql}"

    def _read(self, cursor: str) -> list[Any]:
        padded = cursor + "=" * (-len(cursor) % 4)
        try:
            packed = base64.b64decode(padded, altchars=b"-_", validate=True)
            signature, *values = msgspec.msgpack.decode(packed, type=list[Any])
        except (binascii.Error, msgspec.DecodeError, ValueError, RecursionError) as error:
            raise ParameterError("cursor", "take it from the page before, as it is") from error
        if signature != self._signature or len(values) != len(self.keys):
            raise ParameterError("cursor", "it belongs to another view, or another order of it")
        return [_typed(key.column, value) for key, value in zip(self.keys, values, strict=True)]


def parse_order(
    view: str, columns: Mapping[str, Column], key: Sequence[str], sort: str | None
) -> Order:
    """The order that a list of columns names, `-` before those from the greatest.

    Args:
        view: Whose rows are ordered.
        columns: Of the view.
        key: Those that identify a row.
        sort: The list; None for the view's own order.

    Raises:
        ParameterError: If there is no such column, or too many.
    """
    if sort is None:
        sort = _NEWEST_FIRST.get(view)
    wanted = [] if sort is None else sort.split(",")
    if len(wanted) > MAX_SORT_COLUMNS:
        raise ParameterError("sort", f"no more than {MAX_SORT_COLUMNS} columns")
    keys: dict[str, Key] = {}
    for name in wanted:
        column = columns.get(name.removeprefix("-"))
        if column is None:
            raise ParameterError(
                "sort", f"no column of {view} {name.removeprefix('-')!r}{suggestion(name, columns)}"
            )
        keys.setdefault(column.name, Key(column, is_descending=name.startswith("-")))
    for name in key:
        keys.setdefault(name, Key(columns[name]))
    return Order(view, tuple(keys.values()))


def parse_fields(view: str, columns: Mapping[str, Column], wanted: str | None) -> list[str]:
    """The columns that a list names, all without one.

    Raises:
        ParameterError: If there is no such column.
    """
    if wanted is None:
        return list(columns)
    names = list(dict.fromkeys(wanted.split(",")))
    for name in names:
        if name not in columns:
            raise ParameterError(
                "fields", f"no column of {view} {name!r}{suggestion(name, columns)}"
            )
    return names


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _typed(column: Column, value: Any) -> Any:
    """A cursor's value in the column's type; it is untrusted input of the client."""
    if value is None:
        return None
    if column.kind == "TIMESTAMP" and isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError as error:
            raise ParameterError("cursor", f"{value!r} is no time") from error
    is_typed = type(value) is _TYPES.get(column.kind)
    if column.kind == "VARCHAR[]":
        is_typed = isinstance(value, list) and all(isinstance(part, str) for part in value)
    if not is_typed or (isinstance(value, int) and value not in _INT64):
        raise ParameterError("cursor", f"{value!r} is no value of {column.name}")
    return value
