"""How much of a log has arrived, counted as it lies on the device, however it was sent."""

from __future__ import annotations

import bz2
import sys
from typing import TYPE_CHECKING

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEP_BYTES = 1 << 20


class DamagedError(Exception):
    """What came is not what a compressor writes."""


class Arrival:
    """The log itself comes."""

    def __init__(self) -> None:
        self.n_bytes = 0

    @property
    def is_whole(self) -> bool:
        """Whether what came ends where it may."""
        return True

    def feed(self, piece: bytes, limit_bytes: int) -> Iterator[bytes]:  # noqa: ARG002
        """Count what came, and yield it as it lies on the device.

        Not much more than the limit is yielded, however much there is.

        Raises:
            DamagedError: If it can't be what is there.
        """
        self.n_bytes += len(piece)
        yield piece


class CompressedArrival(Arrival):
    """The log comes compressed; decompressing it shows whether all of it is there."""

    def __init__(self, decompressor: bz2.BZ2Decompressor | zstd.ZstdDecompressor) -> None:
        super().__init__()
        self._decompressor = decompressor

    @property
    def is_whole(self) -> bool:
        """Whether the compressor has finished."""
        return self._decompressor.eof

    def feed(self, piece: bytes, limit_bytes: int) -> Iterator[bytes]:
        """Count and yield what the piece stands for."""
        found = self._decompressor
        if found.eof:
            raise DamagedError
        try:
            while True:
                raw = found.decompress(piece, _STEP_BYTES)
                piece = b""
                self.n_bytes += len(raw)
                yield raw
                if found.eof or found.needs_input or self.n_bytes > limit_bytes:
                    break
        except (OSError, zstd.ZstdError) as error:
            raise DamagedError from error
        if found.unused_data:
            raise DamagedError


def arrival_of(codec: str | None) -> Arrival:
    """Make the count for what a codec sends; None is the log as it is."""
    if codec == "bz2":
        return CompressedArrival(bz2.BZ2Decompressor())
    return CompressedArrival(zstd.ZstdDecompressor()) if codec == "zst" else Arrival()
