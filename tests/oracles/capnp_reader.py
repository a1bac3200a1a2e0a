"""The fields of Cap'n Proto messages, read one by one with pycapnp.

`Comparison` reads everything that a log holds twice, by column and by message, and says where the
two differ.
"""

from __future__ import annotations

import math
import struct
from typing import TYPE_CHECKING, Any

import capnp
import numpy as np

from engagement.logs.log import Log

if TYPE_CHECKING:
    from engagement.logs.columns import Structs
    from engagement.logs.schema import Field, Schema

_READER_LIMIT_WORDS = 1 << 40
_MAX_SEGMENTS = 512
_DEPTH = 3
_MANY = 100_000
_FAILED = object()  # reading it raises
_DEFAULT = object()  # a struct that no one set
_NUMBERS = (
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64",
    "float32", "float64", "enum",
)  # fmt: skip


def split(raw: bytes) -> list[bytes]:
    """The whole messages at the start of a log, by the stream format's description."""
    messages = []
    place = 0
    while len(raw) - place >= 8:
        n_segments = struct.unpack_from("<I", raw, place)[0] + 1
        header = 4 * (n_segments + 1)
        header += header % 8
        if n_segments > _MAX_SEGMENTS or place + header > len(raw):
            break
        sizes = struct.unpack_from(f"<{n_segments}I", raw, place + 4)
        end = place + header + 8 * sum(sizes)
        if end > len(raw) or sizes == (0,):
            break
        messages.append(raw[place:end])
        place = end
    return messages


class Comparison:
    """Everything in a log as the column reader and as pycapnp read it, message by message.

    `is_good` are the messages that the column reader does not mark; `wrong` is what differs in
    them, which must be nothing.
    """

    def __init__(self, raw: bytes, schema: Schema) -> None:
        self.messages = split(raw)
        self.log = Log(raw, schema)
        self._events = [_open(message, schema) for message in self.messages]
        self._found: list[tuple[int, str]] = []
        self._read()

    def _read(self) -> None:
        for number, reader in enumerate(self._events):
            self._check(number, "which", self.log.which[number], _which(reader))
        self._compare(self.log._root, self._events, "", 0)
        self.is_good = ~self.log.is_damaged
        self.wrong = [
            f"message {number}: {where}" for number, where in self._found if self.is_good[number]
        ]

    def _check(self, number: int, where: str, value: Any, expected: Any) -> None:
        if expected is not None and not _is_same(value, expected):
            self._found.append((int(number), f"{where}: {value!r}, not {expected!r}"))

    def _compare(self, structs: Structs, readers: list[Any], where: str, depth: int) -> None:
        layout = structs.layout
        if layout is None or not len(structs):
            return
        for name, field in layout.fields.items():
            expected = [_get(reader, field) for reader in readers]
            path = f"{where}.{name}"
            if field.kind == "struct":
                self._compare_structs(structs, expected, field, path, depth)
            elif field.element_kind == "struct":
                self._compare_items(structs, expected, field, path, depth)
            else:
                for number, value, reader in zip(
                    structs.message_num, _values(structs, field), expected, strict=False
                ):
                    self._check(number, path, value, reader)

    def _compare_structs(
        self, structs: Structs, expected: list[Any], field: Field, where: str, depth: int
    ) -> None:
        if depth == _DEPTH:
            return
        for number, reader in zip(structs.message_num, expected, strict=True):
            if reader is _FAILED:
                self._check(number, where, "a struct", _FAILED)
        readers = [None if reader is _FAILED else reader for reader in expected]
        self._compare(structs.struct(field.name), readers, where, depth + 1)

    def _compare_items(
        self, structs: Structs, expected: list[Any], field: Field, where: str, depth: int
    ) -> None:
        items = structs.items(field.name)
        counts = np.bincount(items.parent, minlength=len(structs)).tolist()
        readers: list[Any] = []
        for number, count, found in zip(structs.message_num, counts, expected, strict=True):
            if found is None:
                readers += [None] * count
                continue
            length = found if found is _FAILED else len(found)
            self._check(number, where, count, length)
            readers += list(found) if length == count else [None] * count
        if depth < _DEPTH:
            self._compare(items, readers, where, depth + 1)


def _open(message: bytes, schema: Schema) -> Any:
    limit = {"traversal_limit_in_words": _READER_LIMIT_WORDS}
    try:
        return next(schema.event.read_multiple_bytes(message, **limit))
    except capnp.KjException:
        return _FAILED


def _which(reader: Any) -> Any:
    """The discriminant, -1 for a message that can't be opened, None where the schema has none."""
    if reader is _FAILED:
        return -1
    try:
        name = str(reader.which())
    except capnp.KjException:
        return None
    return reader.schema.fields[name].proto.discriminantValue


def _get(reader: Any, field: Field) -> Any:
    """A field's value; `_FAILED` where reading it does, None where its struct is not known.

    What no one set has its default: a struct's is `_DEFAULT`.
    """
    if reader is None or reader is _FAILED:
        return reader and None
    try:
        for part in field.name.split("."):
            if reader is _DEFAULT or not _is_active(reader, part):
                return _default(field)
            reader = getattr(reader, part)
        if field.kind == "enum":
            return reader.raw
        if field.kind == "list":
            return _FAILED if len(reader) > _MANY else [getattr(v, "raw", v) for v in reader]
    except (capnp.KjException, UnicodeDecodeError):
        return _FAILED
    return reader


def _is_active(reader: Any, name: str) -> bool:
    if name not in reader.schema.union_fields:
        return True
    try:
        return str(reader.which()) == name
    except capnp.KjException:
        return False


def _default(field: Field) -> Any:
    by_kind = {"struct": _DEFAULT, "list": [], "text": "", "data": b"", "void": None}
    return by_kind.get(field.kind, field.default)


def _values(structs: Structs, field: Field) -> list[Any]:
    """What the column reader has for a field, one a row; nothing for kinds it does not read."""
    if field.kind == "text":
        codes, texts = structs.texts(field.name)
        return [texts[code] for code in codes.tolist()]
    if field.kind == "data":
        octets = structs.octets(field.name)
        ends = octets.start + octets.length
        return [bytes(octets.buffer[a:b]) for a, b in zip(octets.start, ends, strict=True)]
    if field.kind == "list":
        return _lists(structs, field)
    if field.kind in ("void", "anyPointer"):
        return []
    return structs.column(field.name).tolist()


def _lists(structs: Structs, field: Field) -> list[Any]:
    if field.element_kind in ("text", "data"):
        return _octets_of_each(structs, field)
    if field.element_kind not in (*_NUMBERS, "bool"):
        return []
    read = structs.bools if field.element_kind == "bool" else structs.numbers
    parent, values = read(field.name)
    return [values[parent == row].tolist() for row in range(len(structs))]


def _octets_of_each(structs: Structs, field: Field) -> list[Any]:
    """Lists of texts or bytes; `_FAILED` is one with what is no text, as pycapnp fails there."""
    parent, octets = structs.octets_of_each(field.name)
    ends = octets.start + octets.length
    found: list[Any] = [[] for _ in range(len(structs))]
    for row, a, b in zip(parent.tolist(), octets.start, ends, strict=True):
        content = bytes(octets.buffer[a:b])
        found[row].append(_text(content) if field.element_kind == "text" else content)
    return [_FAILED if any(each is _FAILED for each in row) else row for row in found]


def _text(content: bytes) -> Any:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return _FAILED


def _is_same(value: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        if not isinstance(value, list) or len(value) != len(expected):
            return False
        return all(map(_is_same, value, expected))
    if isinstance(expected, float):
        both_nan = math.isnan(value) and math.isnan(expected)
        return both_nan or struct.pack("<d", value) == struct.pack("<d", expected)
    return bool(value == expected)
