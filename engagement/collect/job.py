"""Collects from one device: list, compare, fetch, and try again if the connection is lost."""

from __future__ import annotations

import hashlib
import time
from collections import deque
from itertools import islice
from typing import TYPE_CHECKING

from engagement.collect.device import Device
from engagement.collect.faults import BusyError, GoneError, KilledError
from engagement.collect.finishing import Finisher
from engagement.collect.plan import make_plan
from engagement.collect.report import DeviceReport, Progress
from engagement.collect.shell import packed
from engagement.collect.transfer import fetch, is_taken, offset_of, remove_left
from engagement.collect.way import connect
from engagement.errors import ConnectionLostError, RemoteError, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engagement.collect.collect_options import CollectOptions
    from engagement.collect.finishing import Whole
    from engagement.collect.hosts import Host
    from engagement.collect.pace import Rate, Stop
    from engagement.collect.plan import Plan
    from engagement.collect.reading import Source
    from engagement.collect.remote_log import RemoteLog
    from engagement.collect.transfer import Transfer

_MAX_COMMAND_BYTES = 7500  # of the logs' paths in one command; Dropbear takes 9000 in all
_MAX_SUMMED_BYTES = 1 << 25  # of logs whose sums are made before the first comes
_MAX_SUMS = 20  # that one command makes of logs that are here
_SHOW_EVERY_S = 0.05
_NAMELESS = "no dongle id is known; name one with --device"


class Job:
    """Collects from one device."""

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
        self._shown_at_s = 0.0
        self._report = DeviceReport(host.name)
        self._plan: Plan | None = None
        self._unseen: str | None = None
        self._unverified: deque[tuple[RemoteLog, Path]] = deque()
        self._waiting: deque[Transfer] = deque()
        self._done_bytes = 0
        self._furthest_bytes = 0
        self._total_bytes = 0

    def run(self) -> DeviceReport:
        """Collect, and report."""
        report = self._report
        started_at_s = time.monotonic()
        try:
            self._insist()
        except RemoteError as error:
            report.problem = error.problem
        except OSError as error:
            report.problem = _said(error)
        if self._stop.is_set and (self._waiting or self._unverified or self._plan is None):
            report.problem = "stopped"
        report.problem = report.problem or self._unseen
        report.to_collect += [transfer.target for transfer in self._waiting]
        report.duration_s = time.monotonic() - started_at_s
        return report

    def _insist(self) -> None:
        """Try until it is done, or several attempts have made no progress."""
        patience, attempt = self._options.patience, 0
        while True:
            before = self._furthest()
            try:
                self._connect_and_collect()
            except ConnectionLostError as error:
                attempt = attempt + 1 if before == self._furthest() else 1
                if self._stop.is_set or (attempt > patience.retries and not self._skip(error)):
                    raise
            else:
                return
            if self._stop.wait(patience.wait_s(attempt)):
                return
            self._report.n_retries += 1

    def _furthest(self) -> tuple[bool, int, int, int]:
        """The greatest progress of all attempts."""
        n_left = len(self._unverified), len(self._waiting)
        return self._plan is None, *n_left, self._furthest_bytes

    def _skip(self, error: ConnectionLostError) -> bool:
        """Give up the log whose command is killed each time; return whether there is one."""
        if not isinstance(error, KilledError) or self._unverified or not self._waiting:
            return False
        log = self._waiting.popleft().log
        self._report.failed.append((log.path, error.problem))
        self._done_bytes += log.size_bytes
        return True

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
                self._verify(device)
                self._collect(device)

    def _make_plan(self, device: Device) -> Plan:
        options, report = self._options, self._report
        report.dongle_id = options.dongle_id or device.dongle_id
        codec = options.codec
        if codec and not device.has_compressor(codec):
            report.notes.append(f"can't compress with {codec}; logs come as they are")
            codec = None
        listing = device.find_logs()
        self._unseen = listing.problem
        plan = make_plan(
            listing, self._folder, options.wanted, dongle_id=report.dongle_id, codec=codec
        )
        report.n_there, report.n_old = plan.n_there, plan.n_old
        report.n_locked, report.conflicts = plan.n_locked, plan.conflicts
        report.failed += [(log.path, _NAMELESS) for log in plan.nameless]
        report.notes += plan.notes
        self._waiting = deque(plan.transfers)
        self._total_bytes = plan.size_bytes
        if options.verify:
            self._unverified = deque(plan.there)
        if not options.dry_run:
            for part in plan.spent:
                remove_left(part)
        return plan

    def _verify(self, device: Device) -> None:
        """Verify the logs that were here before."""
        while self._unverified and not self._stop.is_set:
            some = list(islice(self._unverified, _MAX_SUMS))
            sums = device.read_sums([log for log, _ in some])
            for (log, path), found in zip(some, sums, strict=True):
                self._tell(log)
                self._compare(log, path, found)
                self._unverified.popleft()

    def _compare(self, log: RemoteLog, path: Path, found: str | RemoteError) -> None:
        report = self._report
        if isinstance(found, GoneError):
            return
        if isinstance(found, RemoteError):
            report.failed.append((log.path, found.problem))
            return
        try:
            with path.open("rb") as file:
                is_same = hashlib.file_digest(file, "sha256").hexdigest() == found
        except OSError as error:
            report.failed.append((log.path, f"can't be verified: {_said(error)}"))
            return
        if not is_same:
            report.n_there -= 1
            report.conflicts.append((path, f"its SHA-256 is not that of {log.path!r} there"))

    def _collect(self, device: Device) -> None:
        """Fetch what waits, many logs at a time."""
        self._tell()
        with Finisher(self._report) as finisher:
            while self._waiting and not self._stop.is_set:
                self._collect_batch(device, finisher)

    def _collect_batch(self, device: Device, finisher: Finisher) -> None:
        batch = self._next_batch()
        requests = [(transfer.log, offset_of(transfer)) for transfer in batch]
        with device.open(requests, codec=batch[0].codec, with_sums=self._options.verify) as source:
            for transfer in batch:
                if self._stop.is_set or not source.is_ready_for(transfer.log):
                    break
                try:
                    whole = self._fetch(source, transfer)
                except BusyError:
                    self._make_way()
                    break
                self._waiting.popleft()
                self._tell()
                if whole:
                    finisher.add(whole)

    def _make_way(self) -> None:
        """Continue with the last logs, as another collect is fetching the first ones."""
        left = []
        for transfer in reversed(self._waiting):
            if transfer is self._waiting[0] or is_taken(transfer):
                self._report.n_busy += 1
                self._done_bytes += transfer.log.size_bytes
            else:
                left.append(transfer)
        self._waiting = deque(left)

    def _next_batch(self) -> list[Transfer]:
        """The next logs to fetch together; a compressed or continued one is fetched alone."""
        first = self._waiting[0]
        batch = [first]
        if first.codec or offset_of(first):
            return batch
        room_bytes, n_bytes = _MAX_COMMAND_BYTES - _in_command_bytes(first), first.log.size_bytes
        for transfer in islice(self._waiting, 1, None):
            room_bytes -= _in_command_bytes(transfer)
            n_bytes += transfer.log.size_bytes
            is_late = self._options.verify and n_bytes > _MAX_SUMMED_BYTES
            if transfer.codec or room_bytes < 0 or is_late or offset_of(transfer):
                break
            batch.append(transfer)
        return batch

    def _fetch(self, source: Source, transfer: Transfer) -> Whole | None:
        """Fetch one log; a problem of this log alone is reported.

        Raises:
            BusyError: If another collect brings it.
            ConnectionLostError: If the device goes away.
        """
        log = transfer.log
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
        except (BusyError, ConnectionLostError):
            self._done_bytes = before_bytes
            raise
        except RemoteError as error:
            self._report.add_lost(log.path, transfer.target, error)
        self._done_bytes = before_bytes + log.size_bytes
        return whole

    def _advance(self, n_bytes: int) -> None:
        self._done_bytes += n_bytes
        self._furthest_bytes = max(self._furthest_bytes, self._done_bytes)
        now_s = time.monotonic()
        if now_s - self._shown_at_s > _SHOW_EVERY_S:
            self._shown_at_s = now_s
            self._tell()

    def _tell(self, log: RemoteLog | None = None) -> None:
        """Show how far it is; the log is one that is under way without coming."""
        plan = self._plan
        if plan is None:
            return
        n_total = len(plan.transfers)
        log = log or (self._waiting[0].log if self._waiting else None)
        file = log.name if log else ""
        n_done = n_total - len(self._waiting)
        self._show(
            Progress(self._host.name, file, n_done, n_total, self._done_bytes, self._total_bytes)
        )


def _in_command_bytes(transfer: Transfer) -> int:
    """What a log's path takes in a command."""
    return len(packed([transfer.log.path]).encode(errors="surrogateescape")) + 1


def _said(error: OSError) -> str:
    """The message of an error of this system."""
    where = "" if error.filename is None else f"{error.filename}: "
    return f"{where}{reason_of(error).lower()}"
