"""A database that an older program made, as it lies in `data/definitions_1`."""

from __future__ import annotations

import sys
from pathlib import Path

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_PACKED = Path(__file__).parent / "data" / "definitions_1" / "database.zst"


def write_older(path: Path) -> None:
    """Unpack the database of definitions 1."""
    path.write_bytes(zstd.decompress(_PACKED.read_bytes()))
