"""How many bytes of a log have arrived, counted as on the device, compressed on the way or not."""

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
    """The received bytes are no output of the compressor."""


class Arrival:
    """The log is sent as it is."""

    def __init__(self) -> None:
        self.n_bytes = 0

    @property
    def is_whole(self) -> bool:
        """Whether it is complete."""
        return True

    def feed(self, piece: bytes, limit_bytes: int) -> Iterator[bytes]:  # noqa: ARG002
        """Count a received piece, and yield it as it is on the device.

        Not much more than the limit is yielded.

        Raises:
            DamagedError: If it can't be what is there.
        """
        self.n_bytes += len(piece)
        yield piece


class CompressedArrival(Arrival):
    """The log is sent compressed; decompressing shows whether it is complete."""

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
