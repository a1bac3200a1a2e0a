"""What `engagement collect` does: collect, say so, ingest, wait, and again."""

from __future__ import annotations

import signal
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engagement.cli import collect_report, render
from engagement.cli.collect_progress import DeviceBars
from engagement.cli.exit_codes import ExitCode
from engagement.cli.signals import signals_by
from engagement.collect.collect_options import CollectOptions
from engagement.collect.collector import make_jobs, run_jobs
from engagement.collect.connection import Timeouts
from engagement.collect.hosts import parse_host
from engagement.collect.pace import Patience, Rate, Stop
from engagement.collect.plan import WantedLogs
from engagement.collect.settings import load_settings
from engagement.errors import ConfigError, EngagementError, InputError
from engagement.filters import Selection
from engagement.names import other_dongle_ids
from engagement.servers.addresses import parse_address, parse_list
from engagement.servers.collector import Collection, ServerOptions, find_sources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from engagement.cli.ingest_report import SignalNotes
    from engagement.collect.hosts import Host
    from engagement.collect.plan import Kind
    from engagement.collect.report import DeviceReport, Progress
    from engagement.servers.collector import ServerSource
    from engagement.store.ingest_options import IngestOptions
    from engagement.store.ingest_plan import Plan

_CODECS = {"zstd": "zst", "bz2": "bz2", "none": None}
_LOOK_EVERY_S = 0.2


class NoHostError(InputError):
    """Nothing says which device is meant."""

    def __init__(self) -> None:
        super().__init__("name a SOURCE, or set remote_device in config/collect.toml")


@dataclass(frozen=True, slots=True)
class Task:
    """All that the command line says; `ingest` is None where nothing shall be ingested."""

    hosts: tuple[Host, ...]
    sources: tuple[ServerSource, ...]
    servers: ServerOptions
    folder: Path
    options: CollectOptions
    database: Path
    ingest: IngestOptions | None
    as_json: bool


def make_task(names: Sequence[str], *, selection: Selection, options: dict[str, Any]) -> Task:
    """Understand the command line.

    Raises:
        NoHostError: If no device is named.
        InputError: If one can't be understood, or a file of settings does not hold.
    """
    settings = load_settings(options["settings_file"], Path.cwd())
    listed = _listed(options["list_file"])
    names = list(dict.fromkeys([*names, *listed] if names or listed else settings.hosts))
    if not names:
        raise NoHostError
    found = {name: parse_address(name) for name in names}
    addresses = [address for address in found.values() if address]
    names = [name for name, address in found.items() if address is None]
    kind: Kind = options["kind"] or ("rlog" if names else "qlog")
    # The dongle id names the folder of logs: two devices would write into one.
    if options["device"] and len(names) > 1:
        raise InputError(f"--device names one device, but {len(names)} are to be collected from")
    timeout_s = options["timeout_s"]
    drives = Selection.of(drive=options["drive"], **selection.values)
    how = CollectOptions(
        settings=settings,
        wanted=WantedLogs(
            kind, drives, with_video=options["video"], aliases=_aliases(options["database"])
        ),
        dongle_id=options["device"],
        codec=_CODECS[options["compress"]],
        limit_bytes_per_s=options["limit_rate"],
        verify=options["verify"],
        dry_run=options["dry_run"],
        accept_new=options["accept_new"],
        timeouts=Timeouts(timeout_s, timeout_s, timeout_s),
        patience=Patience(options["retries"]),
    )
    servers = ServerOptions(options["server"], options["token_file"], options["request_upload"])
    return Task(
        hosts=tuple(parse_host(name, default_user=settings.user) for name in names),
        sources=tuple(find_sources(addresses, servers, how)),
        servers=servers,
        folder=options["folder"],
        options=how,
        database=options["database"],
        ingest=_ingest_options(options["profile"]) if options["with_ingest"] else None,
        as_json=options["as_json"],
    )


def _aliases(database: Path) -> Mapping[str, str]:
    """What devices are called that were joined; the store is imported only where there is one."""
    if not database.exists():
        return {}
    from engagement.store.device_aliases import aliases_of  # noqa: PLC0415

    return aliases_of(database)


def _listed(path: Path | None) -> list[str]:
    """The sources in a file, or on stdin for `-`."""
    if path is None:
        return []
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(path, "can't be read") from error
    return parse_list(text.splitlines())


def _collect(task: Task, stop: Stop, on_progress: Callable[[Progress], None]) -> list[DeviceReport]:
    """Collect from all hosts and servers at once."""
    rate = Rate(task.options.limit_bytes_per_s, stop)
    jobs = make_jobs(task.hosts, task.folder, task.options, stop=stop, rate=rate, show=on_progress)
    if not task.sources:
        return run_jobs(jobs, stop)
    collection = Collection(
        task.folder, task.options, task.servers, stop=stop, rate=rate, show=on_progress
    )
    with closing(collection):
        return run_jobs([*jobs, *collection.jobs(task.sources)], stop)


def _ingest_options(profile_name: str | None) -> IngestOptions:
    """How to ingest; imported only where it is wanted."""
    from engagement.extract.choice import choose_can  # noqa: PLC0415
    from engagement.store.ingest_options import IngestOptions  # noqa: PLC0415

    return IngestOptions(choose_can(profiles_file=None, name=profile_name, cwd=Path.cwd()))


def run_once(task: Task) -> ExitCode:
    """Collect once; return what the exit status should say."""
    with _ended_by_sigterm() as stop:
        return _Rounds(task, stop).run()


def run_again_and_again(task: Task, every_s: float) -> ExitCode:
    """Collect until a SIGTERM comes; what goes wrong in a round is said, and the next comes."""
    with _ended_by_sigterm() as stop:
        rounds = _Rounds(task, stop)
        while not stop.is_requested:
            ends_at_s = time.monotonic() + every_s
            try:
                rounds.run()
            except EngagementError as error:
                render.say(f"engagement: {error}")
            while time.monotonic() < ends_at_s and not stop.is_requested:
                time.sleep(min(_LOOK_EVERY_S, max(0.0, ends_at_s - time.monotonic())))
    render.note("stopped; what came is whole")
    return ExitCode.OK


@contextmanager
def _ended_by_sigterm() -> Iterator[Stop]:
    """A wish to end that SIGTERM makes; the handler takes no locks, so it may come at any time."""
    stop = Stop()

    def request(_signal: int, _frame: object) -> None:
        stop.is_requested = True

    with signals_by(request, signal.SIGTERM):
        yield stop


class _StoppedError(Exception):
    """An ingest was left, and with it all that was not published."""


class _Rounds:
    """Rounds of collecting; what one can't ingest, as the database is busy, a later one does."""

    def __init__(self, task: Task, stop: Stop) -> None:
        self._task = task
        self._stop = stop
        self._folders: set[Path] = set()
        self._can_notes: SignalNotes | None = None

    def run(self) -> ExitCode:
        """One round: collect, ingest, print.

        Raises:
            EngagementError: If what came can't be ingested; what was collected is told before.
        """
        task = self._task
        is_dry_run = task.options.dry_run
        with DeviceBars() as bars:
            reports = _collect(task, self._stop, bars.show)
        if not task.as_json:
            collect_report.print_reports(reports, is_dry_run=is_dry_run)
        exit_code, ingested = ExitCode.OK, None
        try:
            if task.ingest and not is_dry_run and not self._stop.is_requested:
                exit_code, ingested = self._ingest(task.ingest, reports)
        except EngagementError as error:
            ingested = {"problem": str(error)}
            raise
        finally:
            if task.as_json:
                render.print_json(collect_report.document(reports, ingested, is_dry_run=is_dry_run))
        return exit_code if all(report.is_good for report in reports) else ExitCode.FAILED

    def _ingest(
        self, options: IngestOptions, reports: Sequence[DeviceReport]
    ) -> tuple[ExitCode, dict[str, Any] | None]:
        """Ingest the folders of the devices that were collected from; return what to say of it."""
        from engagement.cli import ingest_report  # noqa: PLC0415 - takes its time
        from engagement.store.ingestion import ingest  # noqa: PLC0415

        aliases = self._task.options.wanted.aliases
        self._folders |= _folders(self._task.folder, reports, aliases)
        if not self._folders:
            return ExitCode.OK, None
        paths = sorted(self._folders)
        try:
            found = ingest(paths, self._task.database, options, self._check)
        except _StoppedError:
            return ExitCode.FAILED, {"problem": "stopped"}
        self._folders.clear()
        if not self._task.as_json:
            ingest_report.print_report(found, paths, is_dry_run=False)
            self._can_notes = self._can_notes or ingest_report.SignalNotes(options.read)
            self._can_notes.tell(found)
        exit_code = ExitCode.LOGS if found.has_failures else ExitCode.OK
        return exit_code, ingest_report.document(found, is_dry_run=False)

    def _check(self, _n_done: int, _n_bytes: int, _plan: Plan) -> None:
        """Leave the ingest between two logs; nothing of it is published."""
        if self._stop.is_requested:
            raise _StoppedError


def _folders(
    folder: Path, reports: Sequence[DeviceReport], aliases: Mapping[str, str]
) -> set[Path]:
    """Where the logs of the devices are, those that were there before included."""
    devices = {report.dongle_id for report in reports if report.dongle_id}
    names = devices.union(*(other_dongle_ids(device, aliases) for device in devices))
    folders = {path.parent.parent for report in reports for path in report.collected}
    return folders | {folder / name for name in names if (folder / name).is_dir()}
