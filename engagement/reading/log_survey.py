"""What is in a log: its services and fields, how often they come, what they take and range over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from engagement.reading.field_columns import read_messages
from engagement.reading.field_names import all_fields

if TYPE_CHECKING:
    from engagement.logs.log import Log
    from engagement.reading.field_names import Wanted

_MAX_EXAMPLES = 5
_MAX_EXAMPLE_LENGTH = 40
_compute: Any = pc  # its stubs take neither texts nor lists for arrays


@dataclass(frozen=True, slots=True)
class ServiceUse:
    """Messages of one service in a log, or in several.

    Attributes:
        service: The member of Event.
        n_messages: How many there are.
        n_bytes: What they take of the decompressed log.
        n_logs: How many logs they are in.
        span_ns: From the first to the last in each log, summed.
    """

    service: str
    n_messages: int
    n_bytes: int
    n_logs: int
    span_ns: int

    @property
    def rate_hz(self) -> float | None:
        """Messages a second, None for a single one."""
        n_gaps = self.n_messages - self.n_logs
        return n_gaps * 1e9 / self.span_ns if self.span_ns > 0 else None

    def merge(self, other: ServiceUse) -> ServiceUse:
        """This and what another log has of it."""
        return replace(
            self,
            n_messages=self.n_messages + other.n_messages,
            n_bytes=self.n_bytes + other.n_bytes,
            n_logs=self.n_logs + other.n_logs,
            span_ns=self.span_ns + other.span_ns,
        )


@dataclass(frozen=True, slots=True)
class FieldUse:
    """One field in a log, or in several.

    Attributes:
        name: As `read_log` takes it.
        type: Arrow's name of its type.
        n_values: Messages that have it.
        low, high: The least and the greatest number, of all elements where it is a list.
        examples: Some of its texts, each once.
    """

    name: str
    type: str
    n_values: int
    low: float | None
    high: float | None
    examples: tuple[str, ...]

    def merge(self, other: FieldUse) -> FieldUse:
        """This and what another log has of it."""
        lows = [each for each in (self.low, other.low) if each is not None]
        highs = [each for each in (self.high, other.high) if each is not None]
        return replace(
            self,
            n_values=self.n_values + other.n_values,
            low=min(lows, default=None),
            high=max(highs, default=None),
            examples=tuple(dict.fromkeys(self.examples + other.examples))[:_MAX_EXAMPLES],
        )


def survey_services(log: Log) -> dict[str, ServiceUse]:
    """The services of a log, those that take the most bytes first."""
    names = {number: name for name, number in log.schema.which_by_name.items()}
    is_good = ~log.is_damaged
    sizes = log.sizes_bytes()
    found = []
    for number in np.unique(log.which[is_good]).tolist():
        rows = np.flatnonzero((log.which == number) & is_good)
        span_ns = int(np.ptp(log.mono_ns[rows]))
        name = names.get(number, f"@{number}")
        found.append(ServiceUse(name, len(rows), int(sizes[rows].sum()), 1, span_ns))
    return {use.service: use for use in sorted(found, key=lambda use: -use.n_bytes)}


def survey_fields(log: Log, pattern: str) -> dict[str, FieldUse]:
    """The fields of a log whose names fit a pattern, by name; services without messages have none.

    `*` and `?` in the pattern stand for any letters; without one it is a part of the name.
    Upper and lower case are the same.
    """
    wanted = (
        pattern.lower() if any(letter in pattern for letter in "*?") else f"*{pattern.lower()}*"
    )
    found = {}
    for service in survey_services(log):
        fields = [each for each in all_fields(service, log.schema) if _fits(each, wanted)]
        if fields:
            _, table = read_messages(log, service, fields)
            found.update({name: _use(name, table.column(name)) for name in table.column_names})
    return found


def _fits(wanted: Wanted, pattern: str) -> bool:
    return fnmatchcase(wanted.name.lower(), pattern)


def _use(name: str, column: pa.ChunkedArray[Any]) -> FieldUse:
    n_values = len(column) - column.null_count
    values: Any = column
    while pa.types.is_list(values.type):
        values = _compute.list_flatten(values)
    low = high = None
    examples: tuple[str, ...] = ()
    if pa.types.is_dictionary(values.type) or pa.types.is_string(values.type):
        examples = _examples(values)
    elif not pa.types.is_binary(values.type) and len(values):
        low, high = _range(values)
    return FieldUse(name, _type_name(column.type), n_values, low, high, examples)


def _range(values: Any) -> tuple[float | None, float | None]:
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    elif pa.types.is_floating(values.type):
        values = values.filter(_compute.is_finite(values))
    found = _compute.min_max(values).as_py()
    return found["min"], found["max"]


def _examples(values: Any) -> tuple[str, ...]:
    distinct = _compute.unique(values.cast(pa.string()).drop_null()).to_pylist()
    return tuple(text[:_MAX_EXAMPLE_LENGTH] for text in distinct[:_MAX_EXAMPLES])


def _type_name(kind: Any) -> str:
    if pa.types.is_list(kind):
        return f"list of {_type_name(kind.value_type)}"
    return "string" if pa.types.is_dictionary(kind) else str(kind)
