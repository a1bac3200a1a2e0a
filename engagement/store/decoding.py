"""Decodes logs: small ones here, others in processes that may die of them, some at a time."""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from engagement.extract.segment import LargeLogError, unread_segment
from engagement.store.memory import DEFAULT_MEMORY_BYTES, MEMORY_OPTION, Budget
from engagement.store.segment_choice import Decoded, best_of, read_best
from engagement.store.workers import executor, read_within, start_server

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from concurrent.futures import Future, ProcessPoolExecutor

    from engagement.extract.segment import ReadOptions
    from engagement.logs.find import LogFile

    _Group = tuple[LogFile, ...]
    _Reading = Callable[[_Group], ReadOptions]

_WORTH_PROCESSES_BYTES = 8_000_000  # less is decoded faster than workers start
_SURELY_LARGE_BYTES = 14_000_000  # a file of which more than a small log comes
_KILLED = "it killed its decoder, perhaps for want of memory"


def decode(
    groups: Sequence[_Group],
    options: ReadOptions,
    fingerprints: Mapping[tuple[str, str], str] | None = None,
    *,
    jobs: int,
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
) -> Iterator[Decoded]:
    """Decode every group, in any order; a crash of a worker is reported for its log alone.

    Args:
        groups: The logs of each segment, the best first.
        options: How to read them.
        fingerprints: The car of each drive, by device and drive; entries may be added meanwhile.
        jobs: Processes.
        memory_bytes: For this process and those that it starts, together.
    """
    read = partial(_options_of, options, {} if fingerprints is None else fingerprints)
    budget = Budget(memory_bytes)
    if _is_worth_processes(groups, jobs):
        alone = yield from _decode_in_processes(groups, read, budget, min(jobs, len(groups)))
    else:
        alone = yield from _decode_here(groups, read)
    for group in alone:
        yield _decode_alone(group, read(group), budget.alone_bytes)


def _options_of(
    options: ReadOptions, fingerprints: Mapping[tuple[str, str], str], group: _Group
) -> ReadOptions:
    """The options for a group: its drive's car may be known from another log."""
    name = group[0].name
    fingerprint = fingerprints.get((name.dongle_id or "", name.drive or ""))
    return replace(options, fingerprint=fingerprint) if fingerprint else options


def warm_up(groups: Sequence[_Group], *, jobs: int) -> None:
    """Start the fork server, so that it imports the decoder while the caller does other work."""
    if _is_worth_processes(groups, jobs):
        start_server()


def _is_worth_processes(groups: Sequence[_Group], jobs: int) -> bool:
    size_bytes = sum(group[0].size_bytes for group in groups)
    return jobs > 1 and len(groups) > 1 and size_bytes >= _WORTH_PROCESSES_BYTES


def _decode_here(
    groups: Sequence[_Group], read: _Reading
) -> Generator[Decoded, None, list[_Group]]:
    """Decode groups whose logs are small; return the others."""
    large: list[_Group] = []
    for group in groups:
        if group[0].size_bytes > _SURELY_LARGE_BYTES:
            large.append(group)
            continue
        try:
            yield read_best(group, replace(read(group), only_small=True))
        except (LargeLogError, MemoryError):
            large.append(group)
    return large


def _decode_in_processes(
    groups: Sequence[_Group], read: _Reading, budget: Budget, jobs: int
) -> Generator[Decoded, None, list[_Group]]:
    """Decode groups side by side; return those that took too much, or were there when one died."""
    waiting = deque(groups)
    alone: list[_Group] = []
    while waiting:
        alone += yield from _decode_in_pool(waiting, read, budget, budget.n_workers(jobs))
    return alone


def _decode_in_pool(
    waiting: deque[_Group], read: _Reading, budget: Budget, n_workers: int
) -> Generator[Decoded, None, list[_Group]]:
    """Decode the waiting groups, as `_decode_in_processes` does, until a worker dies."""
    shares: dict[Future[Decoded | None], int] = {}
    under_way: dict[Future[Decoded | None], _Group] = {}
    alone: list[_Group] = []
    is_broken = False
    pool = executor(n_workers)
    try:
        while (waiting or under_way) and not is_broken:
            while waiting and len(under_way) < 2 * n_workers:
                share = max(map(budget.share_bytes, waiting[0]))
                others = [shares[future] for future in under_way]
                if others and not budget.admits(share, others, n_workers):
                    break
                group = waiting.popleft()
                future = _submit(pool, group, read(group), share)
                if future is None:
                    is_broken = True
                    alone.append(group)
                    break
                under_way[future], shares[future] = group, share
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                group = under_way.pop(future)
                try:
                    decoded = future.result()
                except BrokenProcessPool:
                    is_broken = True
                    decoded = None
                if decoded is None:
                    alone.append(group)
                else:
                    yield decoded
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [*alone, *under_way.values()]


def _submit(
    pool: ProcessPoolExecutor, group: _Group, options: ReadOptions, share_bytes: int
) -> Future[Decoded | None] | None:
    try:
        return pool.submit(read_within, group, options, share_bytes, is_alone=False)
    except BrokenProcessPool:
        return None


def _decode_alone(group: _Group, options: ReadOptions, share_bytes: int) -> Decoded:
    """Decode a group's logs one by one, with all the memory for logs, until one is whole."""
    found: list[Decoded] = []
    for file in group:
        found.append(_decode_in_own_process(file, options, share_bytes))
        log = found[-1].log
        if log and log.status == "ok":
            break
    return best_of(group, found)


def _decode_in_own_process(file: LogFile, options: ReadOptions, share_bytes: int) -> Decoded:
    """Decode a log in a process that has read no other: what that took is not all given back.

    A log that ends the process is read by no other one: it has failed.
    """
    problem = f"reading it takes more than {share_bytes} bytes of memory ({MEMORY_OPTION})"
    decoded = None
    pool = executor(1)
    try:
        decoded = pool.submit(read_within, (file,), options, share_bytes, is_alone=True).result()
        pool.shutdown()  # the next log's process has its memory
    except BrokenProcessPool:
        problem = _KILLED
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return decoded or _failed(file, options, problem)


def _failed(file: LogFile, options: ReadOptions, problem: str) -> Decoded:
    """A log that can't be read; it is kept as failed, so that it is not tried again and again."""
    is_named = file.name.drive is not None and file.name.dongle_id is not None
    try:
        log = unread_segment(file, options, problem) if is_named else None
    except OSError:
        log = None
    return Decoded((file,), log, () if log else ((file, problem),))
