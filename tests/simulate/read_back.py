"""The drives that are simulated, and their logs read through pycapnp."""

from __future__ import annotations

import bz2
from dataclasses import replace

from engagement.logs.schema import load_schema
from engagement.logs.writer import zstd
from engagement.simulate import BUSY, plan_drives

UNPACK = {"": bytes, ".bz2": bz2.decompress, ".zst": zstd.decompress}
PLANS = plan_drives(8, calm=BUSY)
WHOLE = [replace(plan, qlog_segments=frozenset(), missing_segments=frozenset()) for plan in PLANS]


def read(path):
    raw = UNPACK[path.suffix](path.read_bytes())
    return list(load_schema().event.read_multiple_bytes(raw))
