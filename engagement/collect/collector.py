"""Collects logs from several devices at once into a folder.

Problems of one device are in its report, and do not stop the others.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Protocol

from engagement.collect.job import Job
from engagement.collect.pace import Rate, Stop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engagement.collect.collect_options import CollectOptions
    from engagement.collect.hosts import Host
    from engagement.collect.report import DeviceReport, Progress

_MAX_AT_ONCE = 16
_LOOK_EVERY_S = 0.2


class Runnable(Protocol):
    """What collects from one place."""

    def run(self) -> DeviceReport:
        """Collect; problems are in the report."""


def collect(
    hosts: Sequence[Host],
    folder: Path,
    options: CollectOptions,
    *,
    stop: Stop | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[DeviceReport]:
    """Copy the logs of some devices into a folder; nothing on the devices is changed.

    Args:
        hosts: The devices; each is collected from by a thread.
        folder: Logs go into `<dongle>/<drive>--<n>/` in it.
        options: What and how.
        stop: Ends it early; the reports say so.
        on_progress: Told how far a device is, from several threads.

    Returns:
        A report of each host, in their order.
    """
    stop = stop or Stop()
    rate = Rate(options.limit_bytes_per_s, stop)
    show = on_progress or (lambda _: None)
    return run_jobs(make_jobs(hosts, folder, options, stop=stop, rate=rate, show=show), stop)


def make_jobs(
    hosts: Sequence[Host],
    folder: Path,
    options: CollectOptions,
    *,
    stop: Stop,
    rate: Rate,
    show: Callable[[Progress], None],
) -> list[Runnable]:
    """A job for each host."""
    return [Job(host, folder, options, stop=stop, rate=rate, show=show) for host in hosts]


def run_jobs(jobs: Sequence[Runnable], stop: Stop) -> list[DeviceReport]:
    """Run jobs at once; return their reports in their order."""
    with ThreadPoolExecutor(min(len(jobs), _MAX_AT_ONCE) or 1, "collect") as threads:
        running = [threads.submit(job.run) for job in jobs]
        try:
            while wait(running, timeout=_LOOK_EVERY_S).not_done:
                if stop.is_requested:
                    stop.set()
        except BaseException:  # Ctrl-C above all
            stop.set()
            raise
    return [job.result() for job in running]
