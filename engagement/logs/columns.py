"""Fields of all messages of a type at once: numpy gathers over the log's own bytes.

`Messages` holds the messages of a log; `messages.structs("carState")` is one row per such message,
and `rows.column("vEgo")`, `rows.struct("cruiseState")`, `rows.items("buttonEvents")`,
`rows.texts("alertText1")` read down from there. Values equal those of Cap'n Proto's own reader:
a slot beyond the message's data section, or behind a null pointer, has the schema's default.

A log is untrusted: every pointer is checked against its message's bounds. A bad one marks the
message in `is_damaged` and reads as null; one into another segment marks it in `is_far`.

Source of the layout: https://capnproto.org/encoding.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engagement.logs.schema import Field, Schema, StructLayout

    Ints = np.ndarray[tuple[int], np.dtype[np.int64]]
    Bools = np.ndarray[tuple[int], np.dtype[np.bool_]]
    Array = np.ndarray[tuple[int], np.dtype[Any]]

_STRUCT, _LIST, _FAR = 0, 1, 2
_BYTES, _COMPOSITE = 2, 7
_DTYPES = {
    "int8": "i1", "uint8": "u1", "int16": "<i2", "uint16": "<u2", "enum": "<u2", "int32": "<i4",
    "uint32": "<u4", "float32": "<f4", "int64": "<i8", "uint64": "<u8", "float64": "<f8",
}  # fmt: skip
_ELEMENT_CODES = {1: 2, 2: 3, 4: 4, 8: 5}  # bytes of a number to the wire's element size code


class Messages:
    """Messages of one buffer, in file order.

    `number` is each message's place in the log, `mono_ns` its logMonoTime, `which` the
    discriminant of its union (-1 where even that can't be read).
    """

    def __init__(self, schema: Schema, words: Array, start: Ints, end: Ints, number: Ints) -> None:
        self.schema = schema
        self.start, self.end, self.number = start, end, number
        self.is_damaged: Bools = np.zeros(len(start), dtype=np.bool_)
        self.is_far: Bools = np.zeros(len(start), dtype=np.bool_)
        self._words = words
        self._views: dict[str, Array] = {}
        self._structs: dict[str, Structs] = {}
        rows = np.arange(len(start), dtype=np.int64)
        pointer = np.where(start < end, start, -1)
        self.is_damaged |= pointer < 0
        self._root = self._follow(schema.layout, rows, pointer)
        mono_ns = self._root.column("logMonoTime")
        self.is_damaged |= mono_ns > np.iinfo(np.int64).max
        self.mono_ns: Ints = mono_ns.astype(np.int64)
        which = self._root.number("uint16", schema.layout.discriminant_offset, 0)
        self.which = np.where(self.is_damaged | self.is_far, -1, which.astype(np.int64))

    def __len__(self) -> int:
        return len(self.start)

    def view(self, dtype: str) -> Array:
        """The whole buffer as an array of one type."""
        if dtype not in self._views:
            self._views[dtype] = self._words.view(dtype)
        return self._views[dtype]

    def structs(self, event: str) -> Structs:
        """One row per message whose union member is `event`; none if the schema has no such."""
        if event not in self._structs:
            known = self._knows(event)
            self._structs[event] = self._members(event).struct(event) if known else self._none()
        return self._structs[event]

    def items(self, event: str) -> Structs:
        """One row per element of the list that is the union member `event`."""
        return self._members(event).items(event) if self._knows(event) else self._none()

    def _knows(self, event: str) -> bool:
        return event in self.schema.which_by_name

    def _none(self) -> Structs:
        empty = np.zeros(0, dtype=np.int64)
        return Structs(self, None, empty, empty, empty, empty, empty)

    def _members(self, event: str) -> Structs:
        rows = np.flatnonzero(self.which == self.schema.which_by_name[event])
        return self._root.take(rows)

    def _damage(self, rows: Ints, is_bad: Bools) -> None:
        if is_bad.any():
            self.is_damaged[rows[is_bad]] = True

    def _pointers(self, rows: Ints, at: Ints, kind: int) -> tuple[Array, Ints, Bools]:
        """Read pointers at word `at` (-1 for none): the word, its target, whether it is usable."""
        words = self.view("<u8")
        pointer = np.where(at >= 0, words[np.maximum(at, 0)], 0) if len(words) else at.astype("<u8")
        is_set = pointer != 0
        found = (pointer & 3).astype(np.int64)
        is_far = is_set & (found == _FAR)
        if is_far.any():
            self.is_far[rows[is_far]] = True
        is_usable = is_set & (found == kind)
        self._damage(rows, is_set & ~is_far & ~is_usable)
        offset = (pointer & 0xFFFFFFFF).astype(np.uint32).view(np.int32) >> 2
        return pointer, at + 1 + offset, is_usable

    def _within(self, rows: Ints, target: Ints, n_words: Ints, is_usable: Bools) -> Bools:
        is_inside = (target >= self.start[rows]) & (target + n_words <= self.end[rows])
        self._damage(rows, is_usable & ~is_inside)
        return is_usable & is_inside

    def _follow(self, layout: StructLayout, rows: Ints, at: Ints) -> Structs:
        pointer, target, is_usable = self._pointers(rows, at, _STRUCT)
        n_data = ((pointer >> 32) & 0xFFFF).astype(np.int64)
        n_pointers = (pointer >> 48).astype(np.int64)
        is_usable = self._within(rows, target, n_data + n_pointers, is_usable)
        if not is_usable.all():
            n_data, n_pointers = n_data * is_usable, n_pointers * is_usable
            target = np.where(is_usable, target, 0)
        parent = np.arange(len(rows), dtype=np.int64)
        return Structs(self, layout, rows, parent, target, n_data, n_pointers)

    def _follow_items(self, layout: StructLayout, rows: Ints, at: Ints) -> Structs:
        """Elements of composite lists; other encodings of a struct list are not written by cereal."""
        pointer, target, is_usable = self._pointers(rows, at, _LIST)
        n_words = (pointer >> 35).astype(np.int64)
        is_composite = ((pointer >> 32) & 7) == _COMPOSITE
        self._damage(rows, is_usable & ~is_composite)
        is_usable = self._within(rows, target, n_words + 1, is_usable & is_composite)
        tag = np.where(is_usable, self.view("<u8")[np.where(is_usable, target, 0)], 0)
        count = ((tag & 0xFFFFFFFF) >> 2).astype(np.int64)
        n_data = ((tag >> 32) & 0xFFFF).astype(np.int64)
        n_pointers = (tag >> 48).astype(np.int64)
        step = n_data + n_pointers
        room = np.where(step > 0, n_words, self.end[rows] - self.start[rows])
        is_whole = ((tag & 3) == _STRUCT) & (count * np.maximum(step, 1) <= room)
        self._damage(rows, is_usable & ~is_whole)
        count = np.where(is_usable & is_whole, count, 0)
        parent = np.repeat(np.arange(len(rows), dtype=np.int64), count)
        first = np.cumsum(count) - count
        within = np.arange(len(parent), dtype=np.int64) - first[parent]
        place = target[parent] + 1 + within * step[parent]
        return Structs(self, layout, rows[parent], parent, place, n_data[parent], n_pointers[parent])


@dataclass(frozen=True, slots=True)
class Bytes:
    """Byte strings in place: `start` and `length`, in bytes, of each in `buffer`."""

    buffer: Array
    start: Ints
    length: Ints

    def distinct(self, *, empty: bytes = b"") -> tuple[Ints, list[bytes]]:
        """A code for each string and the distinct strings, in order of first appearance."""
        codes = np.zeros(len(self.start), dtype=np.int64)
        found = {empty: 0}
        rows = np.flatnonzero(self.length)
        starts = self.start[rows].tolist()
        stops = (self.start[rows] + self.length[rows]).tolist()
        memory = memoryview(self.buffer)
        codes[rows] = [
            found.setdefault(memory[start:stop].tobytes(), len(found))
            for start, stop in zip(starts, stops, strict=True)
        ]
        return codes, list(found)


@dataclass(slots=True, eq=False)
class Structs:
    """Structs of one type, one a row.

    `row` is the place of each struct's message in `messages`; `parent` its row in the struct
    rows it was reached from; `place`, `n_data` and `n_pointers` are words of the wire. The sizes
    are as the writer wrote them, so they tell how old its schema was.
    """

    messages: Messages
    layout: StructLayout | None
    row: Ints
    parent: Ints
    place: Ints
    n_data: Ints
    n_pointers: Ints
    _sections: Array | None = None

    def __len__(self) -> int:
        return len(self.row)

    @property
    def message_num(self) -> Ints:
        """The number of each row's message in the log."""
        return self.messages.number[self.row]

    @property
    def mono_ns(self) -> Ints:
        """logMonoTime of each row's message."""
        return self.messages.mono_ns[self.row]

    def take(self, rows: Array) -> Structs:
        """Some of the rows."""
        return Structs(
            self.messages, self.layout, self.row[rows], self.parent[rows],
            self.place[rows], self.n_data[rows], self.n_pointers[rows],
            None if self._sections is None else self._sections[rows],
        )  # fmt: skip

    def field(self, name: str) -> Field | None:
        """The schema's field, None where the schema has no such."""
        return self.layout.fields.get(name) if self.layout else None

    def column(self, name: str) -> Array:
        """A bool, number or enum field (as its number); default where not set or not in schema."""
        field = self.field(name)
        if field is None:
            return np.zeros(len(self), dtype=np.float64)
        if field.kind == "bool":
            values = self._bool(field.offset) ^ np.bool_(field.default)
        else:
            values = self.number(field.kind, field.offset, field.default)
        if field.tags:
            values = np.where(self._has_tags(field), values, np.array(field.default, values.dtype))
        return values

    def number(self, kind: str, offset: int, default: Any) -> Array:
        """The number at an offset (in its own size) of the data section, xor its default."""
        dtype = np.dtype(_DTYPES[kind])
        values = self._gather(dtype, offset)
        bits = np.dtype(f"<u{dtype.itemsize}")
        pattern = np.array([default], dtype=dtype).view(bits)
        return (values.view(bits) ^ pattern).view(dtype) if pattern[0] else values

    def _bool(self, offset: int) -> Bools:
        octets = self._gather(np.dtype("u1"), offset >> 3)
        return ((octets >> (offset & 7)) & 1).astype(np.bool_)

    def _gather(self, dtype: np.dtype[Any], offset: int) -> Array:
        sections = self._data_sections()
        if offset >= sections.shape[1] * 8 // dtype.itemsize:
            return np.zeros(len(self), dtype=dtype)
        return np.ascontiguousarray(sections.view(dtype)[:, offset])

    def _data_sections(self) -> Array:
        """The data sections side by side, (rows, words), zero where shorter than the longest.

        Copied together once, so that the columns are cut from memory that is near.
        """
        if self._sections is None:
            n_words = self.layout.n_data_words if self.layout else 0
            within = np.arange(min(n_words, int(self.n_data.max(initial=0))))
            place = self.place[:, None] + within
            is_beyond = within >= self.n_data[:, None]
            is_short = bool(is_beyond.any())
            if is_short:
                place[is_beyond] = 0
            self._sections = self.messages.view("<u8")[place]
            if is_short:
                self._sections[is_beyond] = 0
        return self._sections

    def _has_tags(self, field: Field) -> Bools:
        holds = np.ones(len(self), dtype=np.bool_)
        for offset, value in field.tags:
            holds &= self.number("uint16", offset, 0) == value
        return holds

    def _pointer(self, field: Field) -> Ints:
        """Where the field's pointer is, in words; -1 where the struct has no such slot."""
        is_there = self.n_pointers > field.offset
        if field.tags:
            is_there &= self._has_tags(field)
        return np.where(is_there, self.place + self.n_data + field.offset, -1)

    def struct(self, name: str) -> Structs:
        """The structs that a pointer field leads to, row for row; all default where null."""
        field = self.field(name)
        if field is None or field.kind != "struct":
            zero = np.zeros(len(self), dtype=np.int64)
            return Structs(self.messages, None, self.row, np.arange(len(self)), zero, zero, zero)
        return self.messages._follow(field.target, self.row, self._pointer(field))  # noqa: SLF001

    def items(self, name: str) -> Structs:
        """The elements of a list of structs, `parent` being their row here."""
        field = self.field(name)
        if field is None or field.element_kind != "struct":
            return self.messages._none()  # noqa: SLF001
        return self.messages._follow_items(field.target, self.row, self._pointer(field))  # noqa: SLF001

    def numbers(self, name: str) -> tuple[Ints, Array]:
        """A list of numbers: the row here and the value of each element."""
        field = self.field(name)
        dtype = _DTYPES.get(field.element_kind or "", "") if field else ""
        if field is None or not dtype:
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        size = np.dtype(dtype).itemsize
        start, count = self._elements(field, _ELEMENT_CODES[size], size)
        parent = np.repeat(np.arange(len(self), dtype=np.int64), count)
        within = np.arange(len(parent), dtype=np.int64) - (np.cumsum(count) - count)[parent]
        return parent, self.messages.view(dtype)[start[parent] // size + within]

    def octets(self, name: str) -> Bytes:
        """A Data field, or a Text field without its NUL."""
        field = self.field(name)
        buffer = self.messages.view("u1")
        if field is None or field.kind not in ("data", "text"):
            zero = np.zeros(len(self), dtype=np.int64)
            return Bytes(buffer, zero, zero)
        start, length = self._elements(field, _BYTES, 1)
        if field.kind == "text":
            length = self._without_nul(field, start, length)
        return Bytes(buffer, start, length)

    def texts(self, name: str) -> tuple[Ints, list[str]]:
        """A Text field: a code for each row and the distinct texts; "" where null."""
        codes, found = self.octets(name).distinct()
        texts: list[str] = []
        for code, octets in enumerate(found):
            try:
                texts.append(octets.decode())
            except UnicodeDecodeError:
                texts.append("")
                self.messages._damage(self.row, codes == code)  # noqa: SLF001
        return codes, texts

    def enumerants(self, name: str) -> tuple[str, ...]:
        """Names by number of an enum field."""
        field = self.field(name)
        return field.enumerants if field and field.kind == "enum" and field.schema else ()

    def _elements(self, field: Field, code: int, size: int) -> tuple[Ints, Ints]:
        """First byte and number of elements of a list of plain elements."""
        messages = self.messages
        pointer, target, is_usable = messages._pointers(self.row, self._pointer(field), _LIST)  # noqa: SLF001
        count = (pointer >> 35).astype(np.int64)
        has_code = ((pointer >> 32) & 7) == code
        messages._damage(self.row, is_usable & ~has_code)  # noqa: SLF001
        n_words = (count * size + 7) >> 3
        is_usable = messages._within(self.row, target, n_words, is_usable & has_code)  # noqa: SLF001
        return np.where(is_usable, target * 8, 0), np.where(is_usable, count, 0)

    def _without_nul(self, field: Field, start: Ints, length: Ints) -> Ints:
        last = np.maximum(start + length - 1, 0)
        octets = self.messages.view("u1")
        is_ended = (length > 0) & (octets[last] == 0) if len(octets) else length > 0
        at = self._pointer(field)
        is_set = (at >= 0) & (self.messages.view("<u8")[np.maximum(at, 0)] != 0)
        self.messages._damage(self.row, is_set & ~is_ended)  # noqa: SLF001
        return np.where(is_ended, length - 1, 0)
