"""Decodes logs in worker processes, a limited number at a time."""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import multiprocessing.forkserver
import multiprocessing.resource_tracker
import os
import signal
import threading
from collections import deque
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from engagement.extract.segment import read_segment
from engagement.store.segments import rank

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from engagement.extract.segment import ReadOptions, SegmentLog
    from engagement.logs.find import LogFile

    _Reading = Callable[[tuple[LogFile, ...]], ReadOptions]

_WORTH_PROCESSES_BYTES = 8_000_000  # less is decoded faster than workers start


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
    groups: Sequence[tuple[LogFile, ...]],
    options: ReadOptions,
    fingerprints: Mapping[tuple[str, str], str] | None = None,
    *,
    jobs: int,
) -> Iterator[Decoded]:
    """Decode every group, in any order; a crash of a worker is reported for its log alone.

    Args:
        groups: The logs of each segment, the best first.
        options: How to read them.
        fingerprints: The car of each drive, by device and drive; entries may be added meanwhile.
        jobs: Processes.
    """
    read = partial(_options_of, options, {} if fingerprints is None else fingerprints)
    if not _is_worth_processes(groups, jobs):
        for group in groups:
            yield decode_best(group, read(group))
        return
    yield from _decode_in_processes(groups, read, min(jobs, len(groups)))


def _options_of(
    options: ReadOptions, fingerprints: Mapping[tuple[str, str], str], group: tuple[LogFile, ...]
) -> ReadOptions:
    """The options for a group: its drive's car may be known from another log."""
    name = group[0].name
    fingerprint = fingerprints.get((name.dongle_id or "", name.drive or ""))
    return replace(options, fingerprint=fingerprint) if fingerprint else options


def warm_up(groups: Sequence[tuple[LogFile, ...]], *, jobs: int) -> None:
    """Start the fork server, so that it imports the decoder while the caller does other work."""
    if _is_worth_processes(groups, jobs) and _context().get_start_method() == "forkserver":
        # Ctrl-C is this process's to handle, also while the server imports. The tracker is started
        # first, as that lets Ctrl-C through again.
        multiprocessing.resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            multiprocessing.forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _is_worth_processes(groups: Sequence[tuple[LogFile, ...]], jobs: int) -> bool:
    size_bytes = sum(group[0].size_bytes for group in groups)
    return jobs > 1 and len(groups) > 1 and size_bytes >= _WORTH_PROCESSES_BYTES


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
        except MemoryError:
            problems.append((file, "there is not enough memory to read it"))
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
    groups: Sequence[tuple[LogFile, ...]], read: _Reading, jobs: int
) -> Iterator[Decoded]:
    waiting = deque(groups)
    while waiting:
        suspects = yield from _decode_in_pool(waiting, read, jobs)
        for group in suspects:
            yield _decode_alone(group, read(group))


def _decode_in_pool(
    waiting: deque[tuple[LogFile, ...]], read: _Reading, jobs: int
) -> Generator[Decoded, None, list[tuple[LogFile, ...]]]:
    """Decode the waiting groups; if a worker dies, return the groups that were being decoded."""
    under_way: dict[Future[Decoded], tuple[LogFile, ...]] = {}
    executor = _executor(jobs)
    suspects: list[tuple[LogFile, ...]] = []
    try:
        while (waiting or under_way) and not suspects:
            while waiting and len(under_way) < 2 * jobs:
                group = waiting.popleft()
                under_way[executor.submit(decode_best, group, read(group))] = group
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                group = under_way.pop(future)
                try:
                    yield future.result()
                except BrokenProcessPool:
                    suspects.append(group)
    except BrokenProcessPool:  # while a group was submitted
        suspects.append(group)
    finally:
        executor.shutdown(wait=False, cancel_futures=True)
    return [*suspects, *under_way.values()] if suspects else []


def _decode_alone(group: tuple[LogFile, ...], options: ReadOptions) -> Decoded:
    executor = _executor(1)
    try:
        return executor.submit(decode_best, group, options).result()
    except BrokenProcessPool:
        problem = "it killed its decoder, perhaps for want of memory"
        return Decoded(group, None, ((group[0], problem),))
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _executor(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=_context(), initializer=_prepare_worker)


def _context() -> multiprocessing.context.BaseContext:
    """Workers are forked from a server that has imported the decoder and has no threads."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["engagement.extract.segment"])
    return context


def _prepare_worker() -> None:
    """Ignore Ctrl-C, which the parent handles, and end when the parent ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)
