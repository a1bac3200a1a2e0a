"""How much memory an ingest takes, and how its processes share it.

Before a log is read, its file tells little of what it will take: 24 kB can expand to 256 MB. So
each log gets a share by the size of its file, which the kernel holds its process to, and one that
does not get along with that is read again alone, with all there is.
"""

from __future__ import annotations

import resource
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from engagement.logs.find import LogFile

DEFAULT_MEMORY_BYTES = 1_000_000_000
"""Of an ingest with all its processes."""

MEMORY_OPTION = "--max-memory"

_OWN_BYTES = 400_000_000  # this process, DuckDB and waiting tables included, and the fork server
_PROCESS_BYTES = 60_000_000  # a worker before it reads: its share counts from there
_LEAST_SHARE_BYTES = 48_000_000
_FOR_A_FILE_BYTES = 32_000_000
_BYTES_A_COMPRESSED_BYTE = 12  # logs expand three- to fivefold, and take three times that
_BYTES_A_RAW_BYTE = 4
_PARTS_FOR_TABLES = 4  # of a share, as tables are copied on their way between processes
_MAX_TABLES_BYTES = 32_000_000  # of a log that is read beside others: several may wait


class Budget:
    """The memory of one ingest, for logs that are read in processes of their own."""

    def __init__(self, memory_bytes: int) -> None:
        self.memory_bytes = memory_bytes
        self._for_logs = memory_bytes - _OWN_BYTES

    def n_workers(self, jobs: int) -> int:
        """How many processes of `jobs` there is memory for; one at least."""
        return max(min(jobs, self._for_logs // (_PROCESS_BYTES + _LEAST_SHARE_BYTES)), 1)

    @property
    def alone_bytes(self) -> int:
        """The share of a log that is read alone."""
        return max(self._for_logs - _PROCESS_BYTES, _LEAST_SHARE_BYTES)

    def share_bytes(self, file: LogFile) -> int:
        """The share of a log that is read beside others, by its file."""
        name = file.path.name.lower()
        is_raw = ".bz2" not in name and ".zst" not in name
        per_byte = _BYTES_A_RAW_BYTE if is_raw else _BYTES_A_COMPRESSED_BYTE
        return min(_FOR_A_FILE_BYTES + per_byte * file.size_bytes, self.alone_bytes)

    def admits(self, share_bytes: int, others: Iterable[int], n_workers: int) -> bool:
        """Whether a log can be read beside others, `n_workers` of all at once."""
        largest = sorted((share_bytes, *others), reverse=True)[:n_workers]
        return sum(largest) <= self._for_logs - n_workers * _PROCESS_BYTES


def tables_limit_bytes(share_bytes: int, *, is_alone: bool) -> int:
    """What the tables of a log may take that was read with a share."""
    most = share_bytes // _PARTS_FOR_TABLES
    return most if is_alone else min(most, _MAX_TABLES_BYTES)


@contextmanager
def held_to(share_bytes: int, base_bytes: int) -> Iterator[None]:
    """Let this process allocate so much more than it had at its start, then raise MemoryError.

    Only Linux counts what is allocated this way; elsewhere nothing is limited.
    """
    if not base_bytes:
        yield
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (base_bytes + share_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))


def allocated_bytes() -> int:
    """What the kernel counts as allocated by this process, 0 where it does not."""
    if sys.platform != "linux":
        return 0
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
