"""A database that an older program made, as it lies in `data/definitions_1`."""

from __future__ import annotations

from pathlib import Path

import zstandard

_PACKED = Path(__file__).parent / "data" / "definitions_1" / "engagement.duckdb.zst"


def write_older(path: Path) -> None:
    """Unpack the database of definitions 1."""
    with _PACKED.open("rb") as packed, path.open("wb") as database:
        zstandard.ZstdDecompressor().copy_stream(packed, database)
