"""Compressed bytes of a log file to raw bytes, keeping whatever can be read of a damaged file.

The codec is recognised by the first bytes, as the suffix of a copied file can be wrong. Devices
write one zstd frame or bz2 stream per file and lose its end when the power is cut; concatenated
files have several. Damage raises no error: it is described beside the bytes before it.

The file is read and decompressed in small pieces into one growing buffer. That keeps memory near
the size of the raw log whatever the file holds, stops a decompression bomb in time, and is faster
than one call, which touches twice as many new pages.
"""

from __future__ import annotations

import bz2
import io
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable

DEFAULT_LIMIT_BYTES = 256 * 1024**2
"""Of one log, raw: a minute of an rlog has 25 to 100 MB, of a qlog 2 MB."""

MAX_LIMIT_BYTES = 4 * 1024**3
"""Words of a larger log, and distances between them, could not be counted in 32 bits."""

LIMIT_OPTION = "--max-log-bytes"
"""Is named in what is said of a log that is longer than it may be."""

MAX_STREAMS = 10_000
"""Of one file: a device writes one, and a parallel compressor one for each 900 kB or more."""

_MAGIC_BYTES = 4
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
    def decompress(self, data: bytes, /, max_length: int = ...) -> bytes: ...


@dataclass(frozen=True, slots=True)
class _Codec:
    """A compression and the allowed values of each byte that its streams may start with."""

    name: str
    magics: tuple[tuple[bytes, ...], ...]
    open_stream: Callable[[], _Stream]

    def starts(self, content: bytes) -> bool:
        """Whether a stream starts here; one that is cut within its first bytes counts."""
        return len(content) > 0 and any(
            all(
                byte in allowed
                for byte, allowed in zip(content[:_MAGIC_BYTES], magic, strict=False)
            )
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
    """Decode a file's content by its magic bytes, as `decompress_file` does.

    Content in no codec is returned as it is, however long: it is in memory already.
    """
    decompressed = decompress_file(io.BytesIO(content), limit_bytes=limit_bytes)
    is_raw = content and decompressed.codec == "none"
    return Decompressed(content, "none", None) if is_raw else decompressed


def decompress_file(file: IO[bytes], *, limit_bytes: int = DEFAULT_LIMIT_BYTES) -> Decompressed:
    """Decode a file by its magic bytes; content in no known codec is taken as raw.

    Takes at most about `limit_bytes` and an eighth of memory, however large the file is.

    Args:
        file: Open for reading, and able to seek.
        limit_bytes: Content that is longer, or expands beyond this, is damage; the first
            `limit_bytes` are kept.
    """
    head = _piece(file, 0, _MAGIC_BYTES)
    if not head:
        return Decompressed(b"", "none", "the file is empty")
    for codec in _CODECS:
        if codec.starts(head):
            raw, damage = _decode(file, codec, limit_bytes, fine_from=_size(file))
            return Decompressed(raw, codec.name, damage)
    raw = _piece(file, 0, limit_bytes)
    return Decompressed(raw, "none", too_large(limit_bytes) if file.read(1) else None)


def _decode(
    file: IO[bytes], codec: _Codec, limit_bytes: int, *, fine_from: int
) -> tuple[bytes, str | None]:
    """Decode stream after stream; return the raw bytes and the damage, if any.

    The output of a call that fails is lost, so after a failure a second pass goes byte by byte
    from the piece where it happened (`fine_from`). The output of the failing byte is dropped: bz2
    checks a block only after it has given it out.
    """
    sink = io.BytesIO()
    stream = codec.open_stream()
    n_streams = 1
    position = 0
    while piece := _piece(file, position, 1 if position >= fine_from else _INPUT_STEP_BYTES):
        if stream.eof:  # another stream may follow, or bytes that are none
            if not codec.starts(_piece(file, position, _MAGIC_BYTES)):
                return sink.getvalue(), _trailing(file, position, codec)
            if n_streams == MAX_STREAMS:
                return sink.getvalue(), _too_many(position, codec)
            stream = codec.open_stream()
            n_streams += 1
        n_before = sink.tell()
        try:
            _feed(stream, piece, sink, limit_bytes)
        except _ERRORS as error:
            if position >= fine_from:  # this byte is the damaged one: all before it is right
                sink.truncate(n_before)
                return sink.getvalue(), _corrupt(position, n_before, codec, error)
            sink.close()  # begin again, as a decompressor can't go back
            return _decode(file, codec, limit_bytes, fine_from=position)
        if sink.tell() > limit_bytes:
            sink.truncate(limit_bytes)
            return sink.getvalue(), too_large(limit_bytes)
        position += len(piece) - len(stream.unused_data)
    return sink.getvalue(), None if stream.eof else _cut(position, sink.tell(), codec)


def _piece(file: IO[bytes], position: int, n_bytes: int) -> bytes:
    file.seek(position)
    return file.read(n_bytes)


def _size(file: IO[bytes]) -> int:
    return file.seek(0, io.SEEK_END)


def _feed(stream: _Stream, piece: bytes, sink: io.BytesIO, limit_bytes: int) -> None:
    """Decode a piece and all that it expands to, up to one byte beyond the limit.

    It asks until nothing more comes: `needs_input` of bz2 is true while a block is not all out.
    """
    source = piece
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


def _trailing(file: IO[bytes], position: int, codec: _Codec) -> str:
    n_rest = _size(file) - position
    what = "zero bytes" if _is_zero_from(file, position) else f"bytes that are not {codec.name}"
    return (
        f"{codec.name} stream ends at byte {_spaced(position)} of the file, "
        f"but {_spaced(n_rest)} {what} follow"
    )


def _is_zero_from(file: IO[bytes], position: int) -> bool:
    file.seek(position)
    while piece := file.read(_OUTPUT_STEP_BYTES):
        if piece.count(0) != len(piece):
            return False
    return True


def _too_many(position: int, codec: _Codec) -> str:
    return (
        f"{_spaced(MAX_STREAMS)} {codec.name} streams end at byte {_spaced(position)} of the file, "
        "but more follow; a log has one, or a few that were joined"
    )


def too_large(limit_bytes: int) -> str:
    """What is wrong with a log that is longer than it may be."""
    return f"expands beyond the limit of {_spaced(limit_bytes)} bytes ({LIMIT_OPTION})"


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")
