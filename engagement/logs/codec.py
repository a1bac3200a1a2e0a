"""Compressed bytes of a log file to raw bytes, keeping whatever can be read of a damaged file.

The codec is recognised by the first bytes, as the suffix of a copied file can be wrong. Devices
write one zstd frame or bz2 stream per file and lose its end when the power is cut; concatenated
files have several. Damage raises no error: it is described beside the bytes before it.

The content is decompressed in small pieces into one growing buffer. That keeps memory near the size
of the raw log, stops a decompression bomb in time, and is faster than one call, which touches twice
as many new pages.
"""

from __future__ import annotations

import bz2
import io
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_LIMIT_BYTES = 2 * 1024**3

_INPUT_STEP_BYTES = 32 * 1024
_OUTPUT_STEP_BYTES = 128 * 1024  # the largest block of a zstd frame

_ERRORS = (OSError, zstd.ZstdError)


@dataclass(frozen=True, slots=True)
class Decompressed:
    """A log's raw bytes.

    Attributes:
        raw: All that could be decoded, in order from the start.
        codec: `none`, `bz2` or `zstd`.
        damage: What is wrong with the file and where, None for a whole one. zstd frames without a
            checksum, as devices write them, may hide a changed byte.
    """

    raw: bytes
    codec: str
    damage: str | None


class _Stream(Protocol):
    """The interface that bz2 and zstd decompressors share."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes | memoryview, /, max_length: int = ...) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Codec:
    """A compression and the allowed values of each byte that its streams may start with."""

    name: str
    magics: tuple[tuple[bytes, ...], ...]
    open_stream: Callable[[], _Stream]

    def starts(self, content: memoryview) -> bool:
        """Whether a stream starts here; one that is cut within its first bytes counts."""
        return len(content) > 0 and any(
            all(byte in allowed for byte, allowed in zip(content[:4], magic, strict=False))
            for magic in self.magics
        )


_CODECS = (
    _Codec(
        "zstd",
        (
            (b"\x28", b"\xb5", b"\x2f", b"\xfd"),
            (bytes(range(0x50, 0x60)), b"\x2a", b"\x4d", b"\x18"),  # a skippable frame: RFC 8878
        ),
        zstd.ZstdDecompressor,
    ),
    _Codec("bz2", ((b"B", b"Z", b"h", b"123456789"),), bz2.BZ2Decompressor),
)


def decompress(content: bytes, *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> Decompressed:
    """Decode a file's content by its magic bytes; content in no known codec is taken as raw.

    Takes at most about `limit_bytes` and an eighth of memory beyond the content.

    Args:
        content: The whole file.
        limit_bytes: Compressed content that expands beyond this is damage; the first
            `limit_bytes` are kept.
    """
    if not content:
        return Decompressed(b"", "none", "the file is empty")
    view = memoryview(content)
    for codec in _CODECS:
        if codec.starts(view):
            raw, damage = _decode(view, codec, limit_bytes, fine_from=len(view))
            return Decompressed(raw, codec.name, damage)
    return Decompressed(content, "none", None)


def _decode(
    content: memoryview, codec: _Codec, limit_bytes: int, *, fine_from: int
) -> tuple[bytes, str | None]:
    """Decode stream after stream; return the raw bytes and the damage, if any.

    The output of a call that fails is lost, so after a failure a second pass goes byte by byte
    from the piece where it happened (`fine_from`). The output of the failing byte is dropped: bz2
    checks a block only after it has given it out.
    """
    sink = io.BytesIO()
    stream = codec.open_stream()
    position = 0
    while position < len(content):
        if stream.eof:  # another stream may follow, or bytes that are none
            if not codec.starts(content[position:]):
                return sink.getvalue(), _trailing(content, position, codec)
            stream = codec.open_stream()
        is_fine = position >= fine_from
        end = position + (1 if is_fine else _INPUT_STEP_BYTES)
        n_before = sink.tell()
        try:
            _feed(stream, content[position:end], sink, limit_bytes)
        except _ERRORS as error:
            if is_fine:  # this byte is the damaged one: all before it is right
                sink.truncate(n_before)
                return sink.getvalue(), _corrupt(position, n_before, codec, error)
            sink.close()  # begin again, as a decompressor can't go back
            return _decode(content, codec, limit_bytes, fine_from=position)
        if sink.tell() > limit_bytes:
            sink.truncate(limit_bytes)
            return sink.getvalue(), _too_large(limit_bytes)
        position = min(end, len(content)) - len(stream.unused_data)
    return sink.getvalue(), None if stream.eof else _cut(len(content), sink.tell(), codec)


def _feed(stream: _Stream, piece: memoryview, sink: io.BytesIO, limit_bytes: int) -> None:
    """Decode a piece and all that it expands to, up to one byte beyond the limit.

    It asks until nothing more comes: `needs_input` of bz2 is true while a block is not all out.
    """
    source: bytes | memoryview = piece
    while True:
        room = limit_bytes + 1 - sink.tell()
        raw = stream.decompress(source, max_length=min(room, _OUTPUT_STEP_BYTES))
        sink.write(raw)
        if stream.eof or sink.tell() > limit_bytes or (stream.needs_input and not raw):
            return
        source = b""


def _cut(position: int, n_decoded: int, codec: _Codec) -> str:
    return (
        f"{codec.name} stream ends early at byte {_spaced(position)} of the file "
        f"({_spaced(n_decoded)} bytes decoded)"
    )


def _corrupt(position: int, n_decoded: int, codec: _Codec, error: Exception) -> str:
    return (
        f"{codec.name} stream is corrupt at byte {_spaced(position)} of the file "
        f"({_spaced(n_decoded)} bytes decoded): {error}"
    )


def _trailing(content: memoryview, position: int, codec: _Codec) -> str:
    rest = bytes(content[position:])
    what = "zero bytes" if rest.count(0) == len(rest) else f"bytes that are not {codec.name}"
    return (
        f"{codec.name} stream ends at byte {_spaced(position)} of the file, "
        f"but {_spaced(len(rest))} {what} follow"
    )


def _too_large(limit_bytes: int) -> str:
    return f"expands beyond the limit of {_spaced(limit_bytes)} bytes (--max-log-bytes)"


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")
