"""Field offsets and types, taken from Cap'n Proto schemas at run time.

`load_schema` compiles a folder of schemas with pycapnp; `StructLayout` is what the columnar reader
needs of a struct: for each field its type, its place in the data or pointer section, its default
and the union members it belongs to. No offset is written by hand anywhere.
"""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any

import capnp

from engagement.errors import ConfigError
from engagement.resources import resource_dir

if TYPE_CHECKING:
    from pathlib import Path

_SIZES_BITS = {
    "void": 0, "bool": 1, "int8": 8, "uint8": 8, "int16": 16, "uint16": 16, "enum": 16,
    "int32": 32, "uint32": 32, "float32": 32, "int64": 64, "uint64": 64, "float64": 64,
}  # fmt: skip

_NO_UNION = 0xFFFF


@dataclass(frozen=True)
class Field:
    """One field: where it lies in the data section (by type) or which pointer slot it has.

    `offset` counts elements of the field's own size in the data section (bits for bool), or
    pointers. `tags` are the (uint16 index in the data section, discriminant) pairs that must hold
    for the field to be set. `default` is the value of an absent or zero slot.
    """

    name: str
    kind: str
    offset: int
    default: Any
    tags: tuple[tuple[int, int], ...]
    schema: Any
    element_kind: str | None = None

    @cached_property
    def target(self) -> StructLayout:
        """The layout of the struct that the pointer, or each element of the list, leads to."""
        schema = self.schema.elementType if self.kind == "list" else self.schema
        return StructLayout(schema)

    @cached_property
    def enumerants(self) -> tuple[str, ...]:
        """The names by value of an enum, or of the enums in a list."""
        schema = self.schema.elementType if self.kind == "list" else self.schema
        by_name: dict[str, int] = schema.enumerants
        return tuple(sorted(by_name, key=by_name.__getitem__))

    @property
    def size_bits(self) -> int:
        """In the data section; 0 of a field that lives in the pointer section."""
        return _SIZES_BITS.get(self.kind, 0)

    @property
    def is_pointer(self) -> bool:
        """Whether the field lives in the pointer section."""
        return self.kind not in _SIZES_BITS


class StructLayout:
    """The fields of one struct type; a group's fields are named `group.field`."""

    def __init__(self, schema: Any) -> None:
        self._schema = schema

    @property
    def discriminant_offset(self) -> int:
        """Place of the struct's own union tag, in uint16 of the data section."""
        return int(self._schema.node.struct.discriminantOffset)

    @property
    def n_data_words(self) -> int:
        """Size of the data section, in words, as this schema has it."""
        return int(self._schema.node.struct.dataWordCount)

    @property
    def type_id(self) -> int:
        """Of the struct, the same for each field of its type."""
        return int(self._schema.node.id)

    @cached_property
    def fields(self) -> dict[str, Field]:
        """Every field by name, groups flattened.

        A text, list or struct with a default of its own is left out: no schema of openpilot has
        one, and null would read as something else than that default.
        """
        return dict(_walk(self._schema, "", ()))

    def discriminants(self) -> dict[str, int]:
        """Union members of the struct itself: name to discriminant."""
        return {
            field.proto.name: int(field.proto.discriminantValue)
            for field in self._schema.fields_list
            if field.proto.discriminantValue != _NO_UNION
        }


def _walk(schema: Any, prefix: str, tags: tuple[tuple[int, int], ...]) -> list[tuple[str, Field]]:
    found: list[tuple[str, Field]] = []
    union_offset = int(schema.node.struct.discriminantOffset)
    for entry in schema.fields_list:
        proto = entry.proto
        name = prefix + proto.name
        own = tags
        if proto.discriminantValue != _NO_UNION:
            own = (*tags, (union_offset, int(proto.discriminantValue)))
        if proto.which() == "group":
            found += _walk(entry.schema, name + ".", own)
            continue
        field = _slot(entry, name, own)
        if not (field.is_pointer and proto.slot.hadExplicitDefault):
            found.append((name, field))
    return found


def _slot(entry: Any, name: str, tags: tuple[tuple[int, int], ...]) -> Field:
    slot = entry.proto.slot
    kind = str(slot.type.which())
    is_pointer = kind not in _SIZES_BITS
    default = None if is_pointer or kind == "void" else _default(slot, kind)
    element = str(slot.type.list.elementType.which()) if kind == "list" else None
    has_schema = kind in ("struct", "enum") or element in ("struct", "enum")
    return Field(
        name=name,
        kind=kind,
        offset=int(slot.offset),
        default=default,
        tags=tags,
        schema=entry.schema if has_schema else None,
        element_kind=element,
    )


def _default(slot: Any, kind: str) -> Any:
    if not slot.hadExplicitDefault:
        return False if kind == "bool" else 0
    return getattr(slot.defaultValue, kind)


class Schema:
    """A compiled set of schemas: pycapnp's `Event` and its layout.

    The parser must live as long as its schemas; a parser per folder allows folders with the same
    file ids to be loaded side by side.
    """

    def __init__(self, event: Any, parser: Any) -> None:
        self.event = event
        self._parser = parser
        self.layout = StructLayout(event.schema)
        self.which_by_name = self.layout.discriminants()

    def member(self, name: str) -> Schema | None:
        """The schema of messages whose root is what a member of the union is, None if none is."""
        field = self.event.schema.fields.get(name)
        return Schema(_Member(field.schema), self._parser) if field is not None else None


@dataclass(frozen=True)
class _Member:
    """The type of a field, as pycapnp's modules have theirs."""

    schema: Any


@lru_cache(maxsize=4)
def load_schema(schema_dir: Path | None = None) -> Schema:
    """Compile `log.capnp` of a folder, the shipped one unless named.

    Raises:
        ConfigError: If the folder has no log.capnp, it does not compile, or defines no `Event`.
    """
    folder = schema_dir or resource_dir("schemas")
    path = folder / "log.capnp"
    if not path.is_file():
        raise ConfigError(path, "there is no such schema; --schema-dir names a folder with it")
    imports = [str(folder), str(folder / "include"), str(folder.parent)]
    if schema_dir is not None:
        _check_compiles(path, imports)
    parser = capnp.SchemaParser()
    module = parser.load(str(path), imports=imports)
    if not hasattr(module, "Event"):
        raise ConfigError(path, "the schema defines no struct Event")
    return Schema(module.Event, parser)


def _check_compiles(path: Path, imports: list[str]) -> None:
    """Compile in another process: pycapnp ends its process at the first error in a schema."""
    code = "import sys, capnp; capnp.SchemaParser().load(sys.argv[1], imports=sys.argv[2:])"
    command = [sys.executable, "-P", "-c", code, str(path), *imports]
    tried = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    if tried.returncode:
        said = tried.stderr.partition("what():")[2].partition("stack:")[0].strip() or tried.stderr
        raise ConfigError(path, f"the schema does not compile: {said.splitlines()[-1]}")
