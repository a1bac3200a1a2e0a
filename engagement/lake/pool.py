"""Units computed side by side, in processes that may die of them."""

from __future__ import annotations

from collections import deque
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING

from engagement.lake.manifests import Manifest
from engagement.lake.units import compute
from engagement.store.ingest_options import IngestReport
from engagement.store.workers import executor

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence
    from concurrent.futures import Future

    from engagement.lake.units import Unit

_KILLED = "it killed the process that computed its drive, perhaps for want of memory"


def compute_all(units: Sequence[Unit], jobs: int) -> Iterator[tuple[Unit, Manifest]]:
    """Compute units in any order; one whose process dies twice, once alone, has failed.

    One job is done in this process.
    """
    if jobs == 1 or len(units) == 1:
        for unit in units:
            yield unit, compute(unit)
        return
    alone = yield from _compute_in_pool(units, jobs)
    for unit in alone:
        failed = yield from _compute_in_pool([unit], 1)
        for again in failed:
            yield again, _failed(again)


def _compute_in_pool(
    units: Sequence[Unit], jobs: int
) -> Generator[tuple[Unit, Manifest], None, list[Unit]]:
    """Compute units until a process dies; return those that were under way or waited then."""
    waiting = deque(units)
    under_way: dict[Future[Manifest], Unit] = {}
    lost: list[Unit] = []
    pool = executor(min(jobs, len(units)))
    try:
        while (waiting or under_way) and not lost:
            while waiting and len(under_way) < 2 * jobs:
                future = pool.submit(compute, waiting[0])
                under_way[future] = waiting.popleft()
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                unit = under_way.pop(future)
                try:
                    manifest = future.result()
                except BrokenProcessPool:
                    lost.append(unit)
                else:
                    yield unit, manifest
    except BrokenProcessPool:  # it took no more
        pass
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return [*lost, *under_way.values(), *waiting]


def _failed(unit: Unit) -> Manifest:
    report = IngestReport()
    for group in unit.groups:
        report.fail(group[0].path, _KILLED)
    return Manifest(unit.drive, "", report=report)
