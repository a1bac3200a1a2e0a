"""What an ingest can't do without: reading files and decompressing them, in as many processes.

Imports next to nothing, because its workers do not need more than this.
"""

from __future__ import annotations

import bz2
import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

T = TypeVar("T")

ONE_SHOT: dict[str, Callable[[bytes], bytes]] = {".bz2": bz2.decompress, ".zst": zstd.decompress}


def read_raw(path: Path) -> bytes:
    """A log's raw bytes by the library's one-shot call."""
    return ONE_SHOT[path.suffix](path.read_bytes())


def count_raw_bytes(path: Path) -> int:
    """How long a log's raw bytes are; they stay in the worker."""
    return len(read_raw(path))


def in_processes(
    work: Callable[[Path], T], paths: Sequence[Path], jobs: int, *, preload: str
) -> list[T]:
    """Do something with every file in worker processes, started as the ingest starts its own.

    Like the ingest, this does not wait for the workers' end.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    executor = ProcessPoolExecutor(jobs, mp_context=context)
    try:
        return list(executor.map(work, paths))
    finally:
        executor.shutdown(wait=False)
