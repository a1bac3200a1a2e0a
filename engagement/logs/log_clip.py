"""Cuts messages of a time span out of a log, and writes a log file piece by piece."""

from __future__ import annotations

import bz2
import sys
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Protocol

import numpy as np

from engagement.logs.framing import walk
from engagement.logs.log import Log
from engagement.logs.schema import load_schema

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from engagement.logs.arrays import Bool, Int, PerMessage
    from engagement.logs.framing import Frames
    from engagement.logs.schema import Schema
    from engagement.logs.writer import Codec

_WORD_BYTES = 8
_ZSTD_LEVEL = 10  # openpilot's loggerd uses 10
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Clip:
    """Messages in file order: parts of the log's bytes with their framing, not copied.

    Attributes:
        pieces: Each has one message, or several that follow each other in the log.
        n_messages: How many that are.
        init_data: The log's first initData; None if it has none.
    """

    pieces: list[memoryview]
    n_messages: int
    init_data: memoryview | None


def cut(raw: bytes, start_ns: int, end_ns: int, schema: Schema | None = None) -> Clip:
    """Take the messages whose logMonoTime is from `start_ns` until before `end_ns`.

    initData is returned separately: it has the time of the drive's start in every segment. A
    message whose time can't be read is left out.

    Args:
        raw: The log, decompressed.
        start_ns: The window's start.
        end_ns: Its end.
        schema: With the types of messages.
    """
    log = Log(raw, schema or load_schema())
    begins, ends = _places(walk(raw))
    init_numbers = log.numbers_of("initData")
    is_in = (log.mono_ns >= start_ns) & (log.mono_ns < end_ns) & ~log.is_damaged
    is_in[init_numbers] = False
    log.close()
    view = memoryview(raw)
    pieces = [view[begins[first] : ends[last]] for first, last in _runs(is_in)]
    init_data = [view[begins[number] : ends[number]] for number in init_numbers[:1]]
    return Clip(pieces, int(is_in.sum()), init_data[0] if init_data else None)


def _places(frames: Frames) -> tuple[PerMessage[Int], PerMessage[Int]]:
    """The bytes at which each message begins, with its header, and ends."""
    header = 1 + frames.count // 2
    begins = (frames.start[frames.first] - header).astype(np.int64)
    ends = frames.end[frames.first + frames.count - 1].astype(np.int64)
    return begins * _WORD_BYTES, ends * _WORD_BYTES


def _runs(is_in: PerMessage[Bool]) -> list[tuple[int, int]]:
    """First and last of each run of adjacent messages."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], is_in, [False])).astype(np.int8)))
    return [(first, end - 1) for first, end in edges.reshape(-1, 2).tolist()]


class _Compressor(Protocol):
    def compress(self, data: memoryview, /) -> bytes: ...
    def flush(self) -> bytes: ...


class _NoCompressor:
    def compress(self, data: memoryview, /) -> bytes:
        return bytes(data)

    def flush(self) -> bytes:
        return b""


class LogSink:
    """Writes a log file as one stream of its codec, as devices do.

    Readers of openpilot's logs stop after the first zstd frame of a file, so there is only one.
    """

    def __init__(self, file: IO[bytes], codec: Codec) -> None:
        self._file = file
        self._compressor = _compressor(codec)

    def write(self, piece: memoryview) -> None:
        """Append messages."""
        for start in range(0, len(piece), _PIECE_BYTES):
            self._file.write(self._compressor.compress(piece[start : start + _PIECE_BYTES]))

    def finish(self) -> None:
        """End the stream; the file stays open."""
        self._file.write(self._compressor.flush())


def _compressor(codec: Codec) -> _Compressor:
    if codec == "bz2":
        return bz2.BZ2Compressor()
    if codec == "zst":
        compressor: _Compressor = zstd.ZstdCompressor(level=_ZSTD_LEVEL)
        return compressor
    return _NoCompressor()
