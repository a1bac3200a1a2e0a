"""Write logs: values in, the bytes of messages out, compressed as a device would.

For the demo drives, the tests and the benchmarks. Messages are built by pycapnp and written in the
order given, since real logs are not sorted either.
"""

from __future__ import annotations

import bz2
import sys
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from engagement.logs.schema import load_schema

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from engagement.logs.schema import Field, Schema

Codec: TypeAlias = Literal["none", "bz2", "zst"]
Frame: TypeAlias = "tuple[int, int, bytes]"

SUFFIXES: dict[Codec, str] = {"none": "", "bz2": ".bz2", "zst": ".zst"}

_ZSTD_LEVEL = 10  # openpilot's loggerd uses 10
_ZSTD_CHUNK_BYTES = 1 << 20


class EventBuilder:
    """Builds one `Event` at a time from plain values."""

    def __init__(self, schema: Schema | None = None) -> None:
        schema = schema or load_schema()
        self._new_message = schema.event.new_message
        self._layout = schema.layout

    def event(self, which: str, mono_ns: int, value: Any, *, valid: bool = True) -> bytes:
        """The bytes of one message, framing included.

        `value` is what the union member `which` holds: a mapping for a struct (nested mappings,
        lists, and "group.field" members as nested mappings too), a list, text or bytes. Fields that
        are left out keep their default.
        """
        message = self._new_message()
        message.logMonoTime = mono_ns
        if not valid:
            message.valid = False
        _set(message, which, value)
        return bytes(message.to_bytes())

    def enumerants(self, which: str) -> dict[str, tuple[str, ...]]:
        """The names of each enum field of a struct, or of a list's, by the path of the field."""
        field = self._layout.fields.get(which)
        return dict(_enumerants(field, "")) if field is not None else {}

    def can(self, mono_ns: int, frames: Sequence[Frame], *, which: str = "can") -> bytes:
        """The bytes of one message of CAN frames, each (address, bus, payload)."""
        message = self._new_message()
        message.logMonoTime = mono_ns
        built = message.init(which, len(frames))
        for index, (address, bus, payload) in enumerate(frames):
            frame = built[index]
            frame.address = address
            frame.src = bus
            frame.dat = payload
        return bytes(message.to_bytes())


def _enumerants(field: Field, prefix: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    for name, inner in field.target.fields.items() if field.schema is not None else ():
        if inner.kind == "enum":
            yield prefix + name, inner.enumerants
        elif inner.kind == "struct" and not prefix:
            yield from _enumerants(inner, f"{name}.")


def _set(builder: Any, name: str, value: Any) -> None:
    if isinstance(value, dict):
        _fill(builder.init(name), value)
    elif isinstance(value, list):
        built = builder.init(name, len(value))
        for index, element in enumerate(value):
            if isinstance(element, dict):
                _fill(built[index], element)
            else:
                built[index] = element
    else:
        setattr(builder, name, value)


def _fill(builder: Any, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        _set(builder, name, value)


def compress(raw: bytes, codec: Codec, *, level: int = _ZSTD_LEVEL) -> bytes:
    """Compress a log as devices do; `level` is that of zstd alone.

    A zstd log is one frame, written as a stream: its header does not state the content's size.
    """
    if codec == "bz2":
        return bz2.compress(raw)
    if codec == "zst":
        stream = zstd.ZstdCompressor(level=level)
        starts = range(0, len(raw), _ZSTD_CHUNK_BYTES)
        chunks = [stream.compress(raw[start : start + _ZSTD_CHUNK_BYTES]) for start in starts]
        return b"".join([*chunks, stream.flush()])
    return raw


def write_log(
    messages: Iterable[bytes], codec: Codec = "none", *, level: int = _ZSTD_LEVEL
) -> bytes:
    """The content of a log file that holds `messages` in their order."""
    return compress(b"".join(messages), codec, level=level)
