"""Logs from devices into a folder: several devices at once, each as far as it lets us.

A device is tried again when it goes away, from where it broke off. What can't be had of one is in
its report, and costs no other.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice, takewhile
from typing import TYPE_CHECKING

from engagement.collect.connection import DEFAULT_TIMEOUTS, Timeouts, connect
from engagement.collect.device import Device
from engagement.collect.finishing import Finisher
from engagement.collect.pace import Patience, Rate, Stop
from engagement.collect.plan import Selection, make_plan
from engagement.collect.reading import BusyError
from engagement.collect.report import DeviceReport, Progress
from engagement.collect.settings import Settings
from engagement.collect.transfer import fetch, offset_of
from engagement.errors import ConnectionLostError, RemoteError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engagement.collect.device import RemoteLog
    from engagement.collect.finishing import Whole
    from engagement.collect.hosts import Host
    from engagement.collect.plan import Plan
    from engagement.collect.reading import Source
    from engagement.collect.transfer import Transfer

_MAX_AT_ONCE = 16
_MAX_BATCH = 100  # logs that one command sends; its paths are some 100 bytes each
_NAMELESS = "nothing says which device it is of; name one with --device"
_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class CollectOptions:
    """How to collect.

    Attributes:
        settings: Where logs lie on a device.
        selection: Which of them.
        dongle_id: The device that logs are of which name none; else it is asked.
        codec: What the devices compress with, `zst` or `bz2`; None for nothing.
        limit_bytes_per_s: For all devices together.
        verify: Compare SHA-256 sums.
        dry_run: Only plan.
        accept_new: Take unknown host keys, and write them down.
        timeouts: How long to wait for an answer.
        patience: How often to try again.
    """

    settings: Settings = field(default_factory=Settings)
    selection: Selection = field(default_factory=Selection)
    dongle_id: str | None = None
    codec: str | None = None
    limit_bytes_per_s: int | None = None
    verify: bool = False
    dry_run: bool = False
    accept_new: bool = False
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    patience: Patience = field(default_factory=Patience)


def collect(
    hosts: Sequence[Host],
    folder: Path,
    options: CollectOptions,
    *,
    stop: Stop | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> list[DeviceReport]:
    """Bring the logs of some devices into a folder, and change nothing on them.

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
    jobs = [_Job(host, folder, options, stop=stop, rate=rate, show=show) for host in hosts]
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


class _Job:
    """All that is done about one device."""

    def __init__(
        self,
        host: Host,
        folder: Path,
        options: CollectOptions,
        *,
        stop: Stop,
        rate: Rate,
        show: Callable[[Progress], None],
    ) -> None:
        self._host = host
        self._folder = folder
        self._options = options
        self._stop = stop
        self._rate = rate
        self._show = show
        self._report = DeviceReport(host.name)
        self._plan: Plan | None = None
        self._waiting: deque[Transfer] = deque()
        self._done_bytes = 0
        self._furthest_bytes = 0
        self._total_bytes = 0

    def run(self) -> DeviceReport:
        """Do it, and report."""
        report = self._report
        started_at_s = time.monotonic()
        try:
            self._insist()
        except RemoteError as error:
            report.problem = error.problem
        except OSError as error:
            report.problem = _said(error)
        if self._stop.is_set and (self._waiting or self._plan is None):
            report.problem = "stopped"
        report.to_collect += [transfer.target for transfer in self._waiting]
        report.duration_s = time.monotonic() - started_at_s
        return report

    def _insist(self) -> None:
        """Try until it is done, or several times have brought nothing."""
        patience, attempt = self._options.patience, 0
        while True:
            before = self._furthest()
            try:
                self._connect_and_collect()
            except ConnectionLostError:
                attempt = attempt + 1 if before == self._furthest() else 1
                if attempt > patience.retries or self._stop.is_set:
                    raise
            else:
                return
            if self._stop.wait(patience.wait_s(attempt)):
                return
            self._report.n_retries += 1

    def _furthest(self) -> tuple[bool, int, int]:
        """How far any attempt got."""
        return self._plan is None, len(self._waiting), self._furthest_bytes

    def _connect_and_collect(self) -> None:
        options = self._options
        with connect(
            self._host,
            accept_new=options.accept_new,
            timeouts=options.timeouts,
            stop=self._stop,
        ) as connection:
            self._report.notes += connection.notes
            device = Device(connection, options.settings)
            if self._plan is None:
                self._plan = self._make_plan(device)
            if not options.dry_run:
                self._collect(device)

    def _collect(self, device: Device) -> None:
        """Fetch what waits, many logs at a time."""
        self._tell()
        while self._waiting and not self._stop.is_set:
            batch = self._next_batch()
            codec = batch[0].codec
            requests = [(transfer.log, offset_of(transfer)) for transfer in batch]
            with (
                Finisher(self._report) as finisher,
                device.open(requests, codec=codec, with_sums=self._options.verify) as source,
            ):
                for transfer in batch:
                    if self._stop.is_set or not source.is_ready_for(transfer.log):
                        break
                    whole = self._fetch(device, source, transfer)
                    self._waiting.popleft()
                    self._tell()
                    if whole:
                        finisher.add(whole)

    def _next_batch(self) -> list[Transfer]:
        """The next logs to fetch together; one that is compressed on its way goes alone."""
        if self._waiting[0].codec:
            return [self._waiting[0]]
        plain = takewhile(lambda transfer: transfer.codec is None, self._waiting)
        return list(islice(plain, _MAX_BATCH))

    def _make_plan(self, device: Device) -> Plan:
        options, report = self._options, self._report
        report.dongle_id = options.dongle_id or device.read_dongle_id()
        codec = options.codec
        if codec and not device.has_compressor(codec):
            report.notes.append(f"can't compress with {codec}; logs come as they are")
            codec = None
        plan = make_plan(
            device.find_logs(),
            self._folder,
            options.selection,
            dongle_id=report.dongle_id,
            codec=codec,
        )
        report.n_there, report.n_old = plan.n_there, plan.n_old
        report.n_locked, report.conflicts = plan.n_locked, plan.conflicts
        report.failed += [
            (log.path, "no dongle id is known; name one with --device") for log in plan.nameless
        ]
        self._waiting = deque(plan.transfers)
        self._total_bytes = plan.size_bytes
        return plan

    def _fetch(self, device: Device, source: Source, transfer: Transfer) -> Whole | None:
        """Fetch one log; what is wrong with it alone goes into the report."""
        report, log = self._report, transfer.log
        before_bytes, whole = self._done_bytes, None
        try:
            whole = fetch(
                source,
                transfer,
                self._host.name,
                rate=self._rate,
                verify=self._options.verify,
                on_bytes=self._advance,
            )
        except ConnectionLostError:
            self._done_bytes = before_bytes
            raise
        except BusyError:
            report.n_busy += 1
        except RemoteError as error:
            if device.has(log.path):
                report.failed.append((log.path, error.problem))
            else:
                report.n_gone += 1
        self._done_bytes = before_bytes + log.size_bytes
        return whole

    def _advance(self, n_bytes: int) -> None:
        self._done_bytes += n_bytes
        self._furthest_bytes = max(self._furthest_bytes, self._done_bytes)
        self._tell()

    def _tell(self) -> None:
        plan = self._plan
        if plan is None:
            return
        n_total = len(plan.transfers)
        file = _name_of(self._waiting[0].log) if self._waiting else ""
        n_done = n_total - len(self._waiting)
        self._show(
            Progress(self._host.name, file, n_done, n_total, self._done_bytes, self._total_bytes)
        )


def _name_of(log: RemoteLog) -> str:
    return f"{log.drive}--{log.segment_num}/{log.kind}{log.suffix}"


def _said(error: OSError) -> str:
    """What this system refused."""
    where = "" if error.filename is None else f"{error.filename}: "
    return f"{where}{(error.strerror or str(error)).lower()}"
