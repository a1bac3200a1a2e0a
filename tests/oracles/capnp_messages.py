"""Random Cap'n Proto messages of every shape, of the package's schemas or of one with every type.

`SCHEMA` has every type, with and without a default; a line's `# n` is the version of the schema
that brought its field, so that older and newer writers and readers can meet.
"""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

from engagement.logs.schema import Schema, load_schema

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from random import Random

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
    nest :group { union { up @61 :Int16 = 4; down @62 :Text; none @63 :Void; } }  # 3
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

EVENTS = ("all", "all", "all", "late", "items", "text", "number", "nothing")

_DEPTH = 3
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


def random_message(
    schema: Schema, rng: Random, *, is_split: bool = False, events: Sequence[str] = EVENTS
) -> bytes:
    """One message with random fields, of one of `events`; a split one lies in many small segments.

    Structs of a split message are moved about, which leaves far pointers to far pointers.
    """
    message = schema.event.new_message(**(_segments(schema.event.schema, rng) if is_split else {}))
    known = [name for name in events if name in schema.event.schema.fields]
    _set(message, schema.event.schema.fields[rng.choice(known)], rng, 0)
    message.valid = rng.random() < 0.9
    message.logMonoTime = 2**61 + rng.randrange(10**12)  # the messages of a log lie near together
    if is_split and message.which() in ("all", "late"):
        _move_structs(getattr(message, message.which()), rng)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pycapnp fears that it is written twice
        return bytes(message.to_bytes())


def _segments(event: Any, rng: Random) -> dict[str, Any]:
    """Small segments; some first ones are just full with an Event, its struct and one of that's."""
    sizes = [1, rng.choice((0, 3, 30))]
    if "all" in event.fields:
        member = event.fields["all"].schema
        nodes = [one.node.struct for one in (event, member, member.fields["inner"].schema)]
        sizes = [1, *(node.dataWordCount + node.pointerCount for node in nodes)]
    room = rng.choice((0, 0, 3, 20, 60))
    return {
        "num_first_segment_words": rng.choice((1, sum(sizes), sum(sizes), sum(sizes))),
        "allocate_seg_callable": lambda n_words: bytearray(8 * (n_words + room)),
    }


def _move_structs(builder: Any, rng: Random) -> None:
    """Give each struct's pointer another of the structs, wherever in the message that lies."""
    slots = [(builder, name) for name in ("inner", "extra") if name in builder.schema.fields]
    slots += [(element, "next") for element in builder.many]
    moved = [element.disown(name) for element, name in slots]
    rng.shuffle(moved)
    for (element, name), struct in zip(slots, moved, strict=True):
        element.adopt(name, struct)


def _fill(builder: Any, schema: Any, rng: Random, depth: int) -> None:
    """Set about half of the fields, and one member of each union."""
    names = [field.proto.name for field in schema.fields_list]
    members = set(schema.union_fields)
    often = {"inner": 0.9, "many": 0.9}
    chosen = {n for n in names if n not in members and rng.random() < often.get(n, 0.6)}
    if members:
        chosen.add(rng.choice(sorted(members)))
    rng.shuffle(names)
    names.sort(key=lambda name: name != "inner")
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
        setattr(builder, name, _random_value(kind, rng, field.schema if kind == "enum" else None))


def _set_list(builder: Any, field: Any, rng: Random, depth: int) -> None:
    kind = str(field.proto.slot.type.list.elementType.which())
    length = rng.choice((0, 1, 2, 3, 9)) if depth < 1 else rng.randrange(3)
    if kind == "struct" and depth >= _DEPTH:
        return
    built = builder.init(field.proto.name, length)
    element = field.schema.elementType if kind in ("struct", "enum") else None
    for index in range(length):
        if kind == "struct":
            _fill(built[index], element, rng, depth + 1)
        elif kind not in ("anyPointer", "list"):
            built[index] = _random_value(kind, rng, element)


def _random_value(kind: str, rng: Random, enum: Any) -> Any:
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
    if kind == "enum":
        return rng.choice(list(enum.enumerants))
    return rng.random() < 0.5 if kind == "bool" else None
