"""Cap'n Proto messages of every shape, and their fields read one by one with pycapnp.

`SCHEMA` has every type, with and without a default; a line's `# n` is the version of the schema
that brought its field, so that older and newer writers and readers can meet. `differences` reads
everything that a log holds twice, by column and by message, and says where the two differ.
"""

from __future__ import annotations

import math
import struct
import warnings
from typing import TYPE_CHECKING, Any

import capnp
import numpy as np

from engagement.logs.log import Log
from engagement.logs.schema import Schema, load_schema

if TYPE_CHECKING:
    from pathlib import Path
    from random import Random

    from engagement.logs.columns import Structs
    from engagement.logs.schema import Field

VERSIONS = (1, 2, 3)
SCHEMA = """\
@0xd86a1c5e0f3b7a91;
struct Event {
  logMonoTime @0 :UInt64;  # 1
  valid @1 :Bool = true;  # 1
  union {
    all @2 :All;  # 1
    items @3 :List(Inner);  # 1
    text @4 :Text;  # 1
    number @5 :UInt32 = 7;  # 1
    nothing @6 :Void;  # 1
    late @7 :All;  # 3
  }
}
enum Mode { a @0; b @1; c @2; }
struct All {
  i8 @0 :Int8;  # 1
  i16 @1 :Int16;  # 1
  i32 @2 :Int32;  # 1
  i64 @3 :Int64;  # 1
  u8 @4 :UInt8;  # 1
  u16 @5 :UInt16;  # 1
  u32 @6 :UInt32;  # 1
  u64 @7 :UInt64;  # 1
  f32 @8 :Float32;  # 1
  f64 @9 :Float64;  # 1
  flag @10 :Bool;  # 1
  mode @11 :Mode;  # 1
  text @12 :Text;  # 1
  blob @13 :Data;  # 1
  inner @14 :Inner;  # 1
  many @15 :List(Inner);  # 1
  i8d @16 :Int8 = -5;  # 1
  i16d @17 :Int16 = -30000;  # 1
  i32d @18 :Int32 = -7;  # 1
  i64d @19 :Int64 = -9223372036854775808;  # 1
  u8d @20 :UInt8 = 255;  # 1
  u16d @21 :UInt16 = 65535;  # 1
  u32d @22 :UInt32 = 4000000000;  # 1
  u64d @23 :UInt64 = 18446744073709551615;  # 1
  f32d @24 :Float32 = -1.25;  # 1
  f64d @25 :Float64 = 1e300;  # 1
  flagd @26 :Bool = true;  # 1
  moded @27 :Mode = c;  # 1
  union {  # 1
    off @28 :Void;  # 1
    speed @29 :Float32 = 1.5;  # 1
    label @30 :Text;  # 1
    child @31 :Inner;  # 1
    pair :group { left @32 :UInt16 = 9; right @33 :Bool = true; name @34 :Text; }  # 1
  }  # 1
  choice :group {  # 1
    weight @35 :Float64 = -0.0;  # 1
    union {  # 1
      count @36 :Int64 = 12;  # 1
      several @37 :List(Inner);  # 1
    }  # 1
  }  # 1
  i8s @38 :List(Int8);  # 1
  i16s @39 :List(Int16);  # 1
  i32s @40 :List(Int32);  # 1
  i64s @41 :List(Int64);  # 1
  u8s @42 :List(UInt8);  # 1
  u16s @43 :List(UInt16);  # 1
  u32s @44 :List(UInt32);  # 1
  u64s @45 :List(UInt64);  # 1
  f32s @46 :List(Float32);  # 1
  f64s @47 :List(Float64);  # 1
  modes @48 :List(Mode);  # 1
  zero32 @49 :Float32 = -0.0;  # 2
  nan32 @50 :Float32 = nan;  # 2
  nan64 @51 :Float64 = nan;  # 2
  inf32 @52 :Float32 = -inf;  # 2
  inf64 @53 :Float64 = inf;  # 2
  extra @54 :Inner;  # 2
  remark @55 :Text;  # 2
  flags @56 :List(Bool);  # 2
  words @57 :List(Text);  # 2
  any @58 :AnyPointer;  # 2
  more @59 :List(Inner);  # 3
  last @60 :UInt64 = 77;  # 3
}
struct Inner {
  number @0 :Int32;  # 1
  flag @1 :Bool = true;  # 1
  text @2 :Text;  # 1
  next @3 :Inner;  # 1
  values @4 :List(UInt16);  # 1
  mode @5 :Mode = b;  # 1
  share @6 :Float32 = 0.5;  # 1
  members @7 :List(Inner);  # 2
  late @8 :Float64 = 3.25;  # 2
  latest @9 :Data;  # 3
}
"""

_READER_LIMIT_WORDS = 1 << 40
_DEPTH = 3
_MANY = 100_000
_MAX_SEGMENTS = 512
_FAILED = object()  # reading it raises
_DEFAULT = object()  # a struct that no one set
_RANGES = {
    "int8": (-128, 127), "int16": (-32768, 32767), "int32": (-(2**31), 2**31 - 1),
    "int64": (-(2**63), 2**63 - 1), "uint8": (0, 255), "uint16": (0, 65535),
    "uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1),
}  # fmt: skip
_FLOATS = (0.0, -0.0, 1.5, -1.25, 1e300, math.inf, -math.inf, math.nan, 5e-324, 0.1)
_TEXTS = ("", "a", "engaged", "exactly", "grüße", "\0", "x" * 40)


def write_schema(folder: Path, version: int) -> Schema:
    """Write the schema of a version to a folder and load it."""
    folder.mkdir(parents=True, exist_ok=True)
    newer = [f"# {later}" for later in VERSIONS if later > version]
    kept = [line for line in SCHEMA.splitlines() if line[-3:] not in newer]
    (folder / "log.capnp").write_text("\n".join(kept))
    return load_schema(folder)


def random_message(schema: Schema, rng: Random, *, is_split: bool = False) -> bytes:
    """One message with random fields; a split one lies in many small segments.

    Structs of a split message are moved about, which leaves far pointers to far pointers.
    """
    message = schema.event.new_message(**(_segments(rng) if is_split else {}))
    _fill(message, schema.event.schema, rng, 0)
    message.logMonoTime = rng.randrange(2**62)
    if is_split and message.which() in ("all", "late"):
        _move_structs(getattr(message, message.which()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pycapnp fears that it is written twice
        return bytes(message.to_bytes())


def _segments(rng: Random) -> dict[str, Any]:
    room = rng.choice((0, 0, 3, 20, 60))
    return {
        "num_first_segment_words": rng.choice((1, 4, 30)),
        "allocate_seg_callable": lambda n_words: bytearray(8 * (n_words + room)),
    }


def _move_structs(builder: Any) -> None:
    many = builder.many
    if len(many) and builder._has("inner"):
        moved, other = builder.disown("inner"), many[0].disown("next")
        many[0].adopt("next", moved)
        builder.adopt("inner", other)


def _fill(builder: Any, schema: Any, rng: Random, depth: int) -> None:
    """Set about half of the fields, and one member of each union."""
    names = [field.proto.name for field in schema.fields_list]
    members = set(schema.union_fields)
    chosen = {name for name in names if name not in members and rng.random() < 0.6}
    if members:
        chosen.add(rng.choice(sorted(members)))
    for name in names:
        if name in chosen:
            _set(builder, schema.fields[name], rng, depth)


def _set(builder: Any, field: Any, rng: Random, depth: int) -> None:
    name = field.proto.name
    if field.proto.which() == "group":
        _fill(builder.init(name), field.schema, rng, depth)
        return
    kind = str(field.proto.slot.type.which())
    if kind == "struct":
        if depth < _DEPTH:
            _fill(builder.init(name), field.schema, rng, depth + 1)
    elif kind == "list":
        _set_list(builder, field, rng, depth)
    elif kind != "anyPointer":
        setattr(builder, name, _random_value(kind, rng))


def _set_list(builder: Any, field: Any, rng: Random, depth: int) -> None:
    kind = str(field.proto.slot.type.list.elementType.which())
    length = rng.choice((0, 1, 2, 3, 9)) if depth < 1 else rng.randrange(3)
    if kind == "struct" and depth >= _DEPTH:
        return
    built = builder.init(field.proto.name, length)
    for index in range(length):
        if kind == "struct":
            _fill(built[index], field.schema.elementType, rng, depth + 1)
        else:
            built[index] = _random_value(kind, rng)


def _random_value(kind: str, rng: Random) -> Any:
    if kind in _RANGES:
        low, high = _RANGES[kind]
        return rng.choice((low, high, 0, 1, rng.randint(low, high)))
    if kind in ("float32", "float64"):
        value = rng.choice((*_FLOATS, rng.gauss(0, 1e3)))
        return min(value, 3e38) if kind == "float32" and value > 3e38 < math.inf else value
    if kind == "text":
        return rng.choice(_TEXTS)
    if kind == "data":
        return rng.choice(_TEXTS).encode()
    return {"bool": rng.random() < 0.5, "enum": rng.choice("abc"), "void": None}[kind]


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
        if field.element_kind not in (*_RANGES, "float32", "float64", "enum"):
            return []
        parent, numbers = structs.numbers(field.name)
        return [numbers[parent == row].tolist() for row in range(len(structs))]
    if field.kind in ("void", "anyPointer"):
        return []
    return structs.column(field.name).tolist()


def _is_same(value: Any, expected: Any) -> bool:
    if isinstance(expected, list):
        if not isinstance(value, list) or len(value) != len(expected):
            return False
        return all(map(_is_same, value, expected))
    if isinstance(expected, float):
        both_nan = math.isnan(value) and math.isnan(expected)
        return both_nan or struct.pack("<d", value) == struct.pack("<d", expected)
    return bool(value == expected)
