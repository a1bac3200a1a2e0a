"""What Linux says of processes: who started them, their processor time and their memory."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PROC = Path("/proc")
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")
_SAMPLE_EVERY_S = 0.05
_CPU_FIELDS = slice(11, 15)  # utime, stime, cutime, cstime; counted from the process's state


def children(pid: int) -> list[int]:
    """The processes that a process has started and that still run."""
    found: list[int] = []
    for listing in (_PROC / str(pid) / "task").glob("*/children"):
        found += map(int, _read(listing).split())
    return found


def cpu_s(pid: int) -> float:
    """Processor seconds of a process and of its children that have ended."""
    fields = _read(_PROC / str(pid) / "stat").rpartition(")")[2].split()
    return sum(map(int, fields[_CPU_FIELDS])) / _TICKS_PER_S


def _together_bytes(pids: Iterable[int]) -> int:
    """Resident memory of several processes; what they map from files counts once."""
    own = shared = 0
    for pid in pids:
        fields = _read(_PROC / str(pid) / "statm").split()
        if fields:
            own += (int(fields[1]) - int(fields[2])) * _PAGE_BYTES
            shared = max(shared, int(fields[2]) * _PAGE_BYTES)
    return own + shared


def _peak_bytes(pid: int) -> int:
    for line in _read(_PROC / str(pid) / "status").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(path: Path) -> str:
    """A file of /proc, empty if its process has ended."""
    try:
        return path.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


@dataclass(slots=True)
class Memory:
    """Peaks of resident memory: of the store's process, of any worker, and of all at one moment."""

    store_bytes: int = 0
    worker_bytes: int = 0
    total_bytes: int = 0


@dataclass(slots=True)
class MemoryWatch:
    """Samples a process and those below it until told to stop.

    Workers are the children of the fork server, which is a child of the process.
    """

    pid: int
    memory: Memory = field(default_factory=Memory)
    _ended: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Memory:
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self.memory

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        if self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(_SAMPLE_EVERY_S):
            servers = children(self.pid)
            workers = [worker for server in servers for worker in children(server)]
            memory = self.memory
            memory.store_bytes = max(memory.store_bytes, _peak_bytes(self.pid))
            memory.worker_bytes = max([memory.worker_bytes, *map(_peak_bytes, workers)])
            everyone = (self.pid, *servers, *workers)
            memory.total_bytes = max(memory.total_bytes, _together_bytes(everyone))
