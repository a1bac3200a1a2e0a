"""Processes that decode logs: how they are started, limited and ended."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import resource
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from engagement.store.memory import allocated_bytes, held_to, tables_limit_bytes
from engagement.store.segment_choice import read_best

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engagement.extract.segment import ReadOptions
    from engagement.logs.find import LogFile
    from engagement.store.segment_choice import Decoded

_MAX_CPU_S = 600  # of one segment: 256 MB of bz2 take ten seconds
_ENVIRONMENT = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",  # others reserve a gigabyte at once
    "PYTHONSAFEPATH": "1",  # else a module in the current folder takes the place of Python's own
}
_environment_lock = threading.Lock()


def executor(jobs: int) -> ProcessPoolExecutor:
    """Make a pool of decoders."""
    with _environment():  # locks that processes share have a process that tidies them up
        return ProcessPoolExecutor(jobs, mp_context=_context, initializer=_prepare)


def start_server() -> None:
    """Start the fork server, so that it imports the decoder while the caller does other work."""
    # Ctrl-C is this process's to handle, also while the server imports. The tracker is started
    # first, as that lets Ctrl-C through again.
    with _environment():
        multiprocessing.resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            multiprocessing.forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _environment() -> Iterator[None]:
    """What processes are started with; this one's own environment is as it was afterwards."""
    with _environment_lock:
        before = {name: os.environ.get(name) for name in _ENVIRONMENT}
        os.environ.update(_ENVIRONMENT)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


class _Forked(ForkServerProcess):
    """A worker; starting it starts the server where that has died."""

    def start(self) -> None:
        """Start it."""
        with _environment():
            super().start()


class _Forking(ForkServerContext):
    """Workers are forked from a server that has imported the decoder and has no threads."""

    Process = _Forked


_context = _Forking()
_context.set_forkserver_preload(["engagement.extract.segment"])


def read_within(
    group: tuple[LogFile, ...], options: ReadOptions, share_bytes: int, *, is_alone: bool
) -> Decoded | None:
    """In a worker: read a segment with a share of memory; None where that is not enough."""
    _limit_cpu()
    limit_bytes = tables_limit_bytes(share_bytes, is_alone=is_alone)
    try:
        with held_to(share_bytes, _base_bytes):
            decoded = read_best(group, options)
    except MemoryError:
        return None
    tables = decoded.log.tables.values() if decoded.log else ()
    return decoded if sum(table.nbytes for table in tables) <= limit_bytes else None


_base_bytes = 0  # allocated by this process when it started


def _prepare() -> None:
    """Ignore Ctrl-C, which the parent handles, end when it ends, and take little of the machine."""
    global _base_bytes  # noqa: PLW0603 - a worker is told nothing but its tasks
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)
    with suppress(OSError):  # where memory runs out, it is the decoder that has to go
        Path("/proc/self/oom_score_adj").write_text("1000")
    _base_bytes = allocated_bytes()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _limit_cpu() -> None:
    """End this process, which costs the log that it reads, after much more time than any takes."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime) + _MAX_CPU_S
    if hard == resource.RLIM_INFINITY or soft < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))
