"""Collects from one address: routes, their files, and what of them is missing here."""

from __future__ import annotations

import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engagement.collect.faults import GoneError
from engagement.collect.finishing import Finisher
from engagement.collect.report import DeviceReport, Progress, problem_of
from engagement.errors import EngagementError, RemoteError
from engagement.servers.api import DeniedError
from engagement.servers.bring import Bringer, Brought
from engagement.servers.here import Here
from engagement.servers.marks import keep_marks
from engagement.servers.routes import list_routes, read_route
from engagement.servers.upload import request_rlogs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from engagement.collect.collect_options import CollectOptions
    from engagement.collect.pace import Rate, Stop
    from engagement.collect.remote_log import RemoteLog
    from engagement.servers.addresses import Address
    from engagement.servers.api import Api
    from engagement.servers.calls import Calls
    from engagement.servers.client import Client
    from engagement.servers.routes import FoundLog, Route

AT_ONCE = 4  # downloads of a job
_LOOK_EVERY_S = 0.2


@dataclass(slots=True)
class _Counts:
    n_total: int = 0
    n_done: int = 0
    done_bytes: int = 0


@dataclass(slots=True)
class ServerJob:
    """One address and what comes from it; `run` is called once."""

    address: Address
    api: Api
    calls: Calls
    client: Client
    folder: Path
    options: CollectOptions
    stop: Stop
    rate: Rate
    show: Callable[[Progress], None]
    request_upload: bool = False
    _counts: _Counts = field(default_factory=_Counts)

    def run(self) -> DeviceReport:
        """Collect, and report."""
        report = DeviceReport(self.address.text, self.address.dongle_id)
        started_at_s = time.monotonic()
        try:
            self._collect(report)
        except (RemoteError, OSError) as error:
            report.problem = problem_of(error)
        if self.stop.is_set:
            report.problem = "stopped"
        report.n_retries += self.api.n_retries
        report.duration_s = time.monotonic() - started_at_s
        return report

    def _collect(self, report: DeviceReport) -> None:
        bringer = Bringer(
            self.client, self.api, self.calls, self.options, self.stop, self.rate, self._advance
        )
        here = Here(self.folder, self.options.wanted.aliases)
        pending: dict[Future[Brought], Path] = {}
        with Finisher(report) as finisher, ThreadPoolExecutor(AT_ONCE, "download") as threads:
            try:
                for found, target, route in self._missing(here, report):
                    if self.options.dry_run:
                        report.to_collect.append(target)
                        continue
                    self._counts.n_total += 1
                    pending[threads.submit(bringer.bring, found, target, route)] = target
                    self._settle(pending, report, finisher, n_left=2 * AT_ONCE)
            finally:
                self._settle(pending, report, finisher, n_left=0)

    def _settle(
        self,
        pending: dict[Future[Brought], Path],
        report: DeviceReport,
        finisher: Finisher,
        n_left: int,
    ) -> None:
        """Take what has come, until no more than so many downloads are under way."""
        while len(pending) > n_left:
            done = wait(pending, _LOOK_EVERY_S, FIRST_COMPLETED).done
            for future in done:
                target = pending.pop(future)
                self._counts.n_done += 1
                self._take(future.result(), target, report, finisher)
            self._tell("")

    def _take(
        self, brought: Brought, target: Path, report: DeviceReport, finisher: Finisher
    ) -> None:
        report.n_retries += brought.n_retries
        report.notes += brought.notes
        if brought.whole:
            finisher.add(brought.whole)
        elif brought.error:
            report.add_lost(brought.name, target, brought.error)
        else:
            report.to_collect.append(target)

    def _missing(self, here: Here, report: DeviceReport) -> Iterator[tuple[FoundLog, Path, Route]]:
        """The logs that are wanted and not here.

        Raises:
            RemoteError: If the server fails at two routes in turn, or at the last: then it may be
                the server, and no route. One alone is reported, and the rest goes on.
        """
        refused: dict[str, RemoteError] = {}
        for route in self._routes():
            if self.stop.is_set:
                return
            if self._is_whole(route, here, report):
                self._keep_marks(route, set(), here, report)
                continue
            fresh: set[int] = set()
            files = self._files(route, refused, report)
            for found in files:
                if not self._is_wanted(found.log, route):
                    continue
                if here.find(found.log):
                    report.n_there += 1
                else:
                    fresh.add(found.log.segment_num)
                    yield found, here.target(found.log), route
            self._request(route, files, here, report)
            self._keep_marks(route, fresh, here, report)
        for error in refused.values():
            raise error

    def _files(
        self, route: Route, refused: dict[str, RemoteError], report: DeviceReport
    ) -> list[FoundLog]:
        """What a route has; nothing where the server fails at it, and not at the one before."""
        try:
            files = self.calls.files(self.api, route)
        except (DeniedError, GoneError) as error:
            report.failed.append((route.name, error.problem))
            return []
        except RemoteError as error:
            if refused:
                raise
            refused[route.name] = error
            return []
        report.failed += [(name, error.problem) for name, error in refused.items()]
        refused.clear()
        return files

    def _routes(self) -> Iterator[Route]:
        """The routes that may have wanted logs, oldest first: those are deleted first."""
        address = self.address
        if address.route:
            yield read_route(self.api, address.route)
            return
        found = [*list_routes(self.api, address.dongle_id or "")]
        first_ms, last_ms = address.window_ms or (0, 1 << 62)
        for route in reversed(found):
            begins_at_ms = route.begins_at_ns // 10**6
            if first_ms <= begins_at_ms <= last_ms and self._is_of_wanted_drive(route):
                yield route

    def _is_of_wanted_drive(self, route: Route) -> bool:
        wanted = self.options.wanted
        return wanted.admits(route.log(0, "qlog", "")) or wanted.admits(route.log(0, "rlog", ""))

    def _is_wanted(self, log: RemoteLog, route: Route) -> bool:
        is_meant = self.address.admits(log.segment_num, route.n_segments)
        return is_meant and self.options.wanted.admits(log)

    def _segments(self, route: Route) -> list[int]:
        """The segments that are meant, of those that the server knows."""
        n = route.n_segments
        return [number for number in range(n) if self.address.admits(number, n)]

    def _is_whole(self, route: Route, here: Here, report: DeviceReport) -> bool:
        """Whether all that can be there is here, so that nothing needs to be asked.

        Of qlogs the server tells how many it has; of other files only its list of files does.
        """
        if self.options.wanted.kind != "qlog" or self.options.wanted.with_video:
            return False
        segments = self._segments(route)
        is_whole = all(here.find(route.log(number, "qlog", "")) for number in segments)
        if segments and is_whole:
            report.n_there += len(segments)
        return bool(segments) and is_whole

    def _request(
        self, route: Route, files: list[FoundLog], here: Here, report: DeviceReport
    ) -> None:
        """Ask the device for the rlogs that neither the server nor this folder has."""
        if not self.request_upload or self.options.wanted.kind == "qlog":
            return
        there = {one.log.segment_num for one in files if one.log.kind == "rlog"}
        missing = [
            number
            for number in self._segments(route)
            if number not in there and here.find(route.log(number, "rlog", "")) is None
        ]
        if not missing or self.options.dry_run:
            return
        try:
            is_offline = request_rlogs(self.api, route, missing)
        except EngagementError as error:
            report.failed.append((route.name, f"rlogs can't be asked for: {error}"))
            return
        report.n_requested += len(missing)
        if is_offline:
            report.notes.append(
                f"{route.name}: the device is offline; it uploads {len(missing)} rlogs, which are "
                "queued, when it is online within a week"
            )

    def _keep_marks(self, route: Route, fresh: set[int], here: Here, report: DeviceReport) -> None:
        """Keep the bookmarks of segments whose logs are new here, and whether it is preserved."""
        if self.options.dry_run or self.stop.is_set:
            return
        try:
            keep_marks(self.client, route, fresh, here.device_folder(route.log(0, "qlog", "")))
        except RemoteError as error:
            report.notes.append(f"{route.name}: no bookmarks: {error.problem}")

    def _advance(self, name: str, n_bytes: int) -> None:
        self._counts.done_bytes += n_bytes
        self._tell(name)

    def _tell(self, name: str) -> None:
        counts = self._counts
        expected_bytes = counts.done_bytes * counts.n_total // max(counts.n_done, 1)
        self.show(
            Progress(
                self.address.text, name, counts.n_done, counts.n_total,
                counts.done_bytes, max(expected_bytes, counts.done_bytes),
            )
        )  # fmt: skip
