"""Logs decoded in worker processes, a bounded number of them under way at a time."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engagement.errors import EngagementError
from engagement.extract.segment import read_segment
from engagement.store.segments import rank

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from concurrent.futures import Future

    from engagement.extract.segment import ReadOptions, SegmentLog
    from engagement.logs.find import LogFile

_WORTH_PROCESSES_BYTES = 8_000_000  # less than this is decoded before workers would have started


@dataclass(frozen=True, slots=True)
class Decoded:
    """The best log of a group; `problems` are the files that could not be read, and why."""

    group: tuple[LogFile, ...]
    log: SegmentLog | None
    problems: tuple[tuple[LogFile, str], ...]


def default_jobs() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def decode(
    groups: Sequence[tuple[LogFile, ...]], options: ReadOptions, *, jobs: int
) -> Iterator[Decoded]:
    """Decode every group, in any order.

    Raises:
        EngagementError: If a worker process is killed.
    """
    size_bytes = sum(group[0].size_bytes for group in groups)
    if jobs == 1 or len(groups) == 1 or size_bytes < _WORTH_PROCESSES_BYTES:
        for group in groups:
            yield decode_best(group, options)
        return
    try:
        yield from _decode_in_processes(groups, options, min(jobs, len(groups)))
    except BrokenProcessPool as error:
        raise EngagementError(
            "a decoding process was killed, probably for want of memory; try --jobs 1"
        ) from error


def decode_best(group: tuple[LogFile, ...], options: ReadOptions) -> Decoded:
    """Read a segment's logs until one is whole, and give the best of those read."""
    best: SegmentLog | None = None
    logs: list[SegmentLog] = []
    problems: list[tuple[LogFile, str]] = []
    for file in group:
        try:
            log = read_segment(file, options)
        except OSError as error:
            problems.append((file, error.strerror or str(error)))
            continue
        logs.append(log)
        if best is None or rank(log) > rank(best):
            best = log
        if log.status == "ok":
            break
    problems += [
        (log.file, log.damage or "nothing could be read")
        for log in logs
        if log.status == "failed" and log is not best
    ]
    return Decoded(group, best, tuple(problems))


def _decode_in_processes(
    groups: Sequence[tuple[LogFile, ...]], options: ReadOptions, jobs: int
) -> Iterator[Decoded]:
    waiting = deque(groups)
    under_way: set[Future[Decoded]] = set()
    executor = ProcessPoolExecutor(jobs, mp_context=_context(), initializer=_ignore_interrupt)
    try:
        while waiting or under_way:
            while waiting and len(under_way) < 2 * jobs:
                under_way.add(executor.submit(decode_best, waiting.popleft(), options))
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _context() -> multiprocessing.context.BaseContext:
    """Workers fork from a server that has the decoder imported, and no threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["engagement.extract.segment"])
    return context


def _ignore_interrupt() -> None:
    """Ctrl-C reaches the whole group of processes; the parent decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
