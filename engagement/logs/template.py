"""Many messages of one shape at once: a message built once, then stamped with columns of values.

The reverse of reading by column: pycapnp lays the message out, its bytes are repeated, and each
column is written to the place that the schema gives it. Texts and lists are those of the template;
what differs in them takes a template of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from engagement.logs.schema import load_schema
from engagement.logs.writer import EventBuilder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from engagement.logs.schema import Field, Schema, StructLayout

_WORD_BYTES = 8
_ROOT = 1  # word of the root pointer, after the frame header of a message of one segment
_DTYPES = {
    "int8": "i1", "uint8": "u1", "int16": "<i2", "uint16": "<u2", "enum": "<u2", "int32": "<i4",
    "uint32": "<u4", "float32": "<f4", "int64": "<i8", "uint64": "<u8", "float64": "<f8",
}  # fmt: skip


class Stamper:
    """Writes messages of one type in bulk."""

    def __init__(self, schema: Schema | None = None) -> None:
        self._schema = schema or load_schema()
        self._builder = EventBuilder(self._schema)
        self._layouts: dict[tuple[str, ...], StructLayout] = {(): self._schema.layout}

    def events(
        self,
        which: str,
        mono_ns: ArrayLike,
        base: Any,
        columns: Mapping[str, ArrayLike],
    ) -> list[bytes]:
        """One message per time, each like `base` (see `EventBuilder.event`) but for `columns`.

        A column is named by its path from the union member's struct ("cruiseState.enabled") and
        holds numbers or bools, enums by number. The structs on a path must be in `base`.
        """
        times = np.asarray(mono_ns, dtype=np.int64)
        template = _Words(self._builder.event(which, 0, base))
        table = template.repeat(len(times))
        root = template.target(_ROOT)
        columns_below = {f"{which}.{path}": values for path, values in columns.items()}
        for path, values in {"logMonoTime": times, **columns_below}.items():
            struct, field = self._find(template, root, (), path)
            _stamp(table, struct, field, np.asarray(values))
        return _rows(table)

    def can(
        self,
        mono_ns: ArrayLike,
        frames: Sequence[tuple[int, int]],
        payloads: NDArray[np.uint8],
        *,
        which: str = "can",
    ) -> list[bytes]:
        """One message of CAN frames per time, the same (address, bus) in each.

        `payloads` has the shape (message, frame, byte).
        """
        times = np.asarray(mono_ns, dtype=np.int64)
        blank = bytes(payloads.shape[2])
        numbered = [(address, bus, blank) for address, bus in frames]
        template = _Words(self._builder.can(0, numbered, which=which))
        table = template.repeat(len(times))
        root, fields = template.target(_ROOT), self._schema.layout.fields
        _stamp(table, root, fields["logMonoTime"], times)
        starts = template.payload_starts(root[1] + fields[which].offset)
        for index, start in enumerate(starts):
            table[:, start : start + payloads.shape[2]] = payloads[:, index]
        return _rows(table)

    def _find(
        self, template: _Words, struct: tuple[int, int], at: tuple[str, ...], path: str
    ) -> tuple[tuple[int, int], Field]:
        """The struct that holds a field, and the field; `at` are the names that led to `struct`."""
        fields = self._layout(at).fields
        head, _, rest = path.partition(".")
        if not rest or path in fields:
            return struct, fields[path]
        deeper = template.target(struct[1] + fields[head].offset)
        return self._find(template, deeper, (*at, head), rest)

    def _layout(self, at: tuple[str, ...]) -> StructLayout:
        if at not in self._layouts:
            self._layouts[at] = self._layout(at[:-1]).fields[at[-1]].target
        return self._layouts[at]


class _Words:
    """A message of one segment, and where its pointers lead, in words from its first byte."""

    def __init__(self, message: bytes) -> None:
        self._message = message
        self._words = np.frombuffer(message, dtype="<u8")
        if self._words[0] & 0xFFFF_FFFF:
            raise ValueError(f"a template of {len(message)} bytes takes more than one segment")

    def repeat(self, times: int) -> NDArray[np.uint8]:
        return np.tile(np.frombuffer(self._message, dtype=np.uint8), (times, 1))

    def target(self, pointer: int) -> tuple[int, int]:
        """The data section and the pointer section of the struct that a pointer leads to."""
        start, size = self._follow(pointer)
        return start, start + (size & 0xFFFF)

    def payload_starts(self, pointer: int) -> list[int]:
        """The byte at which each CAN frame's payload begins, for a list of frames."""
        tag, _ = self._follow(pointer)
        count, size = int(self._words[tag] & 0xFFFF_FFFF) >> 2, int(self._words[tag]) >> 32
        data_words, stride = size & 0xFFFF, (size & 0xFFFF) + (size >> 16)
        pointers = [tag + 1 + index * stride + data_words for index in range(count)]
        return [self._follow(place)[0] * _WORD_BYTES for place in pointers]

    def _follow(self, pointer: int) -> tuple[int, int]:
        word = int(self._words[pointer])
        if not word:
            raise ValueError("a column's struct is not in the template's base")
        offset = (word & 0xFFFF_FFFF) >> 2
        return pointer + 1 + offset, word >> 32


def _stamp(
    table: NDArray[np.uint8], struct: tuple[int, int], field: Field, values: NDArray[Any]
) -> None:
    start = struct[0] * _WORD_BYTES
    if field.kind == "bool":
        byte, bit = divmod(field.offset, 8)
        place = table[:, start + byte]
        place &= np.uint8(~(1 << bit) & 0xFF)
        place |= (values.astype(bool) ^ bool(field.default)).astype(np.uint8) << np.uint8(bit)
        return
    dtype = np.dtype(_DTYPES[field.kind])
    size = dtype.itemsize
    encoded = values.astype(dtype).reshape(-1, 1).view(np.uint8)
    default = np.array([field.default], dtype=dtype).view(np.uint8)
    table[:, start + field.offset * size : start + (field.offset + 1) * size] = encoded ^ default


def _rows(table: NDArray[np.uint8]) -> list[bytes]:
    size, joined = table.shape[1], table.tobytes()
    return [joined[start : start + size] for start in range(0, len(joined), size)]
