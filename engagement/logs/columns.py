"""Fields of all structs of a kind at once: numpy gathers over the log's own bytes.

`log.structs("carState")` is one row per such message, and `rows.column("vEgo")`,
`rows.struct("cruiseState")`, `rows.items("buttonEvents")`, `rows.texts("alertText1")` read down
from there. Values equal those of Cap'n Proto's own reader: a slot beyond the struct's data section,
or behind a null pointer, has the schema's default.

Source of the layout: https://capnproto.org/encoding.html
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from engagement.logs.arrays import Bool, Index, Int, PerElement, PerRow, RowsByWords
    from engagement.logs.pointers import Messages
    from engagement.logs.schema import Field, StructLayout

_DTYPES = {
    "int8": "i1", "uint8": "u1", "int16": "<i2", "uint16": "<u2", "enum": "<u2", "int32": "<i4",
    "uint32": "<u4", "float32": "<f4", "int64": "<i8", "uint64": "<u8", "float64": "<f8",
}  # fmt: skip
_BITS, _BYTES = 1, 2  # element size codes of bools, and of texts and data
_GATHERED_WORDS = 1 << 20  # at once, so that their places take little memory
_ELEMENT_CODES = {1: 2, 2: 3, 4: 4, 8: 5}  # bytes of a number to the wire's element size code


_NOT_UTF8 = "texts that are not UTF-8 are left out"


@dataclass(frozen=True, slots=True)
class Bytes:
    """Byte strings in place: `start` and `length`, in bytes, of each in `buffer`."""

    buffer: PerElement[Any]
    start: PerRow[Int]
    length: PerRow[Int]

    def up_to(self, most_bytes: int) -> Bytes:
        """The same, each cut after so many bytes."""
        return Bytes(self.buffer, self.start, np.minimum(self.length, most_bytes))

    def distinct(self, *, empty: bytes = b"") -> tuple[PerRow[Int], list[bytes]]:
        """A code for each string and the distinct strings, in order of first appearance."""
        codes = np.zeros(len(self.start), dtype=np.int64)
        found = {empty: 0}
        rows = np.flatnonzero(self.length)
        starts = self.start[rows].tolist()
        stops = (self.start[rows] + self.length[rows]).tolist()
        memory = self.buffer.data
        codes[rows] = [
            found.setdefault(memory[start:stop].tobytes(), len(found))
            for start, stop in zip(starts, stops, strict=True)
        ]
        return codes, list(found)


@dataclass(slots=True, eq=False)
class Structs:
    """Structs of one type, one a row; for the columns after `layout` see `Places`."""

    messages: Messages
    layout: StructLayout | None
    message_num: PerRow[Index]
    parent: PerRow[Index]
    segment: PerRow[Index]
    place: PerRow[Index]
    n_data: PerRow[Index]
    n_pointers: PerRow[Index]
    _sections: RowsByWords | None = None

    def __len__(self) -> int:
        return len(self.message_num)

    @property
    def mono_ns(self) -> PerRow[Int]:
        """The logMonoTime of each row's message."""
        return self.messages.mono_ns[self.message_num]

    def take(self, rows: PerRow[Any]) -> Structs:
        """Some of the rows."""
        return Structs(
            self.messages, self.layout, self.message_num[rows], self.parent[rows],
            self.segment[rows], self.place[rows], self.n_data[rows], self.n_pointers[rows],
            None if self._sections is None else self._sections[rows],
        )  # fmt: skip

    def field(self, name: str) -> Field | None:
        """The schema's field, None where the schema has no such."""
        return self.layout.fields.get(name) if self.layout else None

    def has(self, name: str) -> PerRow[Bool]:
        """Which rows have a field: their writer knew it and, in a union, chose it."""
        field = self.field(name)
        if field is None:
            return np.zeros(len(self), dtype=np.bool_)
        if field.is_pointer:
            return self._pointer(field) >= 0
        is_there: PerRow[Bool] = self.n_data * 64 >= (field.offset + 1) * field.size_bits
        return is_there & self._has_tags(field) if field.tags else is_there

    def column(self, name: str) -> PerRow[Any]:
        """A bool, number or enum field (as its number); default where not set.

        Zeros where the schema has no such field, or one of another kind.
        """
        field = self.field(name)
        if field is None or not (field.kind == "bool" or field.kind in _DTYPES):
            return np.zeros(len(self), dtype=np.float64)
        if field.kind == "bool":
            values = self._bool(field.offset) ^ np.bool_(field.default)
        else:
            values = self.number(field.kind, field.offset, field.default)
        if field.tags:
            values = np.where(self._has_tags(field), values, np.array(field.default, values.dtype))
        return values

    def number(self, kind: str, offset: int, default: Any) -> PerRow[Any]:
        """The number at an offset (in its own size) of the data section, xor its default."""
        dtype = np.dtype(_DTYPES[kind])
        values = self._gather(dtype, offset)
        bits = np.dtype(f"<u{dtype.itemsize}")
        pattern = np.array([default], dtype=dtype).view(bits)
        return (values.view(bits) ^ pattern).view(dtype) if pattern[0] else values

    def _bool(self, offset: int) -> PerRow[Bool]:
        octets = self._gather(np.dtype("u1"), offset >> 3)
        return ((octets >> (offset & 7)) & 1).astype(np.bool_)

    def _gather(self, dtype: np.dtype[Any], offset: int) -> PerRow[Any]:
        sections = self._data_sections()
        values = sections.view(dtype)
        if offset >= values.shape[1]:
            return np.zeros(len(self), dtype=dtype)
        return np.ascontiguousarray(values[:, offset])

    def _data_sections(self) -> RowsByWords:
        """The data sections side by side, (rows, words), zero where shorter than the longest.

        They are copied together once, so that the columns are read from adjacent memory.
        """
        if self._sections is None:
            n_words = self.layout.n_data_words if self.layout else 0
            n_words = min(n_words, int(self.n_data.max(initial=0)))
            step = max(_GATHERED_WORDS // max(n_words, 1), 1)
            parts = [
                self._gather_words(slice(start, start + step), n_words)
                for start in range(0, max(len(self), 1), step)
            ]
            self._sections = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return self._sections

    def _gather_words(self, rows: slice, n_words: int) -> RowsByWords:
        """The first words of the data sections of some rows."""
        place, n_data = self.place[rows], self.n_data[rows]
        within = np.arange(n_words)
        places = place[:, None] + within
        is_short = int(n_data.min(initial=n_words)) < n_words
        if is_short:
            is_beyond = within >= n_data[:, None]
            places[is_beyond] = 0
        words: RowsByWords = self.messages.view("<u8")[places]
        if is_short:
            words[is_beyond] = 0
        return words

    def _has_tags(self, field: Field) -> PerRow[Bool]:
        holds = np.ones(len(self), dtype=np.bool_)
        for offset, value in field.tags:
            holds &= self.number("uint16", offset, 0) == value
        return holds

    def _pointer(self, field: Field) -> PerRow[Index]:
        """Where the field's pointer is, in words; -1 where the struct has no such slot."""
        is_there = self.n_pointers > field.offset
        if field.tags:
            is_there &= self._has_tags(field)
        return np.where(is_there, self.place + self.n_data + field.offset, np.int32(-1))

    def struct(self, name: str) -> Structs:
        """The structs that a pointer field leads to, row for row; all default where null."""
        field = self.field(name)
        if field is None or field.kind != "struct":
            return self._nothing(len(self))
        at = self._pointer(field)
        places = self.messages.follow(self.message_num, self.segment, at)
        return Structs(self.messages, field.target, *places)

    def items(self, name: str) -> Structs:
        """The elements of a list of structs, `parent` being their row here."""
        field = self.field(name)
        if field is None or field.element_kind != "struct":
            return self._nothing(0)
        at = self._pointer(field)
        places = self.messages.follow_items(self.message_num, self.segment, at)
        return Structs(self.messages, field.target, *places)

    def items_within(self, name: str, inner: str) -> Structs:
        """The elements of a list in the struct `name`; older writers have the list in its place."""
        field = self.field(name)
        if field is None or field.target is None:
            return self._nothing(0)
        is_list = self.messages.leads_to_list(self._pointer(field))
        within = self.take(~is_list).struct(name).items(inner)
        at = self._pointer(field)[is_list]
        places = self.messages.follow_items(self.message_num[is_list], self.segment[is_list], at)
        return within.join(Structs(self.messages, within.layout, *places))

    def join(self, other: Structs) -> Structs:
        """The rows of both, which are of one type; `parent` says nothing any more."""
        columns = (
            np.concatenate([getattr(self, name), getattr(other, name)])
            for name in ("message_num", "parent", "segment", "place", "n_data", "n_pointers")
        )
        return Structs(self.messages, self.layout, *columns)

    def _nothing(self, length: int) -> Structs:
        """Structs without fields for the first rows."""
        zero = np.zeros(length, dtype=np.int32)
        parent = np.arange(length, dtype=np.int32)
        rows = self.message_num[:length], parent, self.segment[:length]
        return Structs(self.messages, None, *rows, zero, zero, zero)

    def numbers(self, name: str) -> tuple[PerElement[Index], PerElement[Any]]:
        """A list of numbers: the row here and the value of each element."""
        field = self.field(name)
        dtype = _DTYPES.get(field.element_kind or "", "") if field else ""
        if field is None or not dtype:
            return np.zeros(0, dtype=np.int32), np.zeros(0)
        size = np.dtype(dtype).itemsize
        start, count, _ = self._elements(field, _ELEMENT_CODES[size], size * 8)
        parent, within = _each(count)
        return parent, self.messages.view(dtype)[start[parent] // size + within]

    def bools(self, name: str) -> tuple[PerElement[Index], PerElement[Bool]]:
        """A list of bools: the row here and the value of each element."""
        field = self.field(name)
        if field is None or field.element_kind != "bool":
            return np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.bool_)
        start, count, _ = self._elements(field, _BITS, 1)
        parent, within = _each(count)
        octets = self.messages.view("u1")[start[parent] + (within >> 3)]
        return parent, (octets >> (within & 7) & 1).astype(np.bool_)

    def octets_of_each(self, name: str) -> tuple[PerElement[Index], Bytes]:
        """A list of Data or Text: the row here and the bytes of each element, without a NUL."""
        field = self.field(name)
        buffer = self.messages.view("u1")
        if field is None or field.element_kind not in ("data", "text"):
            zero = np.zeros(0, dtype=np.int64)
            return zero.astype(np.int32), Bytes(buffer, zero, zero)
        at = self._pointer(field)
        parent, segment, at = self.messages.follow_pointers(self.message_num, self.segment, at)
        rows = self.message_num[parent]
        start, length, is_set = self.messages.follow_elements(
            rows, segment, at, code=_BYTES, bits=8
        )
        if field.element_kind == "text":
            length = self._without_nul(rows, start, length, is_set)
        return parent, Bytes(buffer, start, length)

    def octets(self, name: str) -> Bytes:
        """A Data field, or one of a generic type; a Text field with its NUL."""
        field = self.field(name)
        buffer = self.messages.view("u1")
        if field is None or field.kind not in ("data", "text", "anyPointer"):
            zero = np.zeros(len(self), dtype=np.int64)
            return Bytes(buffer, zero, zero)
        start, length, _ = self._elements(field, _BYTES, 8)
        return Bytes(buffer, start, length)

    def texts(
        self, name: str, *, most_bytes: int | None = None, keeps_message: bool = False
    ) -> tuple[PerRow[Int], list[str]]:
        """A Text field, or one of a generic type: a code a row and the distinct texts.

        Code 0 is "", which is what null is.

        Args:
            name: The field.
            most_bytes: Cut longer texts there.
            keeps_message: A text that is not UTF-8 is null and noted; else its message is damaged.
        """
        octets = self._text_octets(name)
        cut = octets if most_bytes is None else octets.up_to(most_bytes)
        codes, found = cut.distinct()
        texts: list[str] = []
        for code, content in enumerate(found):
            is_cut = most_bytes is not None and len(content) == most_bytes
            try:
                texts.append(_without_half_letter(content).decode() if is_cut else content.decode())
            except UnicodeDecodeError:
                texts.append("")
                if keeps_message:
                    self.messages.notes.add(_NOT_UTF8)
                    codes[codes == code] = 0
                else:
                    self.messages.mark(self.message_num, codes == code)
        return codes, texts

    def _text_octets(self, name: str) -> Bytes:
        """A text's bytes without its NUL."""
        field = self.field(name)
        buffer = self.messages.view("u1")
        if field is None or field.kind not in ("text", "anyPointer"):
            zero = np.zeros(len(self), dtype=np.int64)
            return Bytes(buffer, zero, zero)
        start, length, is_set = self._elements(field, _BYTES, 8)
        return Bytes(buffer, start, self._without_nul(self.message_num, start, length, is_set))

    def _without_nul(
        self, rows: PerRow[Index], start: PerRow[Int], length: PerRow[Int], is_set: PerRow[Bool]
    ) -> PerRow[Int]:
        """The lengths of texts without the NUL that ends them; one without it is damage."""
        is_ended = length > 0
        is_ended[is_ended] = self.messages.view("u1")[(start + length)[is_ended] - 1] == 0
        self.messages.mark(rows, is_set & ~is_ended)
        return np.where(is_ended, length - 1, 0)

    def enumerants(self, name: str) -> tuple[str, ...]:
        """Names by number of an enum field."""
        field = self.field(name)
        return field.enumerants if field and field.kind == "enum" and field.schema else ()

    def _elements(
        self, field: Field, code: int, bits: int
    ) -> tuple[PerRow[Int], PerRow[Int], PerRow[Bool]]:
        at = self._pointer(field)
        return self.messages.follow_elements(
            self.message_num, self.segment, at, code=code, bits=bits
        )


def _each(count: PerRow[Int]) -> tuple[PerElement[Index], PerElement[Int]]:
    """The row of each element of lists that are so long, and its place in its list."""
    parent = np.repeat(np.arange(len(count), dtype=np.int32), count)
    return parent, np.arange(len(parent), dtype=np.int64) - (np.cumsum(count) - count)[parent]


def _without_half_letter(content: bytes) -> bytes:
    """A text that was cut, without the bytes of a letter that was cut through."""
    for n_bytes in range(1, min(len(content), 4)):
        is_first = content[-n_bytes] >= 0xC0  # noqa: PLR2004 - the first byte of a letter of several
        if is_first:
            n_wanted = 2 + (content[-n_bytes] >= 0xE0) + (content[-n_bytes] >= 0xF0)  # noqa: PLR2004
            return content[:-n_bytes] if n_bytes < n_wanted else content
    return content
