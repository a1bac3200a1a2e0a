"""Logs in, a new generation of the database out.

`ingest` finds logs, reads those that are new or changed in worker processes, writes their rows,
computes the touched drives and publishes. What is damaged is reported and the rest goes on.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING

from engagement.errors import StoreMissingError
from engagement.logs.find import find_logs
from engagement.store.decoding import decode, default_jobs
from engagement.store.generation import Writer, writer_lock
from engagement.store.plan import Filters, Known, Plan, make_plan
from engagement.store.reader import Reader
from engagement.store.results import refresh_in_groups
from engagement.store.schema import is_current
from engagement.store.segments import drive_id_of, known_segments, touch_segment, write_segments

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engagement.extract.segment import ReadOptions, SegmentLog
    from engagement.store.decoding import Decoded
    from engagement.store.segments import KnownSegment

_PUBLISH_EVERY_S = 120.0
_BATCH_BYTES = 64_000_000  # of Arrow tables: DuckDB packs a few large inserts best


@dataclass(frozen=True, slots=True)
class Problem:
    """A log that is damaged or could not be read."""

    path: str
    status: str
    problem: str


@dataclass(slots=True)
class IngestReport:
    """What an ingest did; counts are of logs, but of segments where rows were written."""

    n_ingested: int = 0
    n_partial: int = 0
    n_failed: int = 0
    n_unchanged: int = 0
    n_superseded: int = 0
    n_filtered: int = 0
    size_bytes: int = 0
    raw_size_bytes: int = 0
    duration_s: float = 0.0
    drives: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    locked: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    to_read: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """How to ingest; `read` says how logs are decoded."""

    read: ReadOptions
    filters: Filters = field(default_factory=Filters)
    reprocess: bool = False
    jobs: int = 0
    dry_run: bool = False
    parameters_file: Path | None = None


def ingest(
    paths: Sequence[Path],
    database: Path,
    options: IngestOptions,
    on_progress: Callable[[int, int, Plan], None] | None = None,
) -> IngestReport:
    """Bring the database up to date with the logs under some paths.

    Args:
        paths: Folders and files.
        database: The database file; made where there is none.
        options: What to read and how.
        on_progress: Told segments and bytes done, and the plan, after every segment.

    Raises:
        StoreError: If the database can't be written.
    """
    started_at_s = time.monotonic()
    report = IngestReport()
    found = find_logs(paths)
    report.locked = [str(path) for path in found.locked]
    report.missing = [str(path) for path in found.missing]
    for path, reason in found.unreadable:
        _fail(report, str(path), reason)
    with writer_lock(database):
        known = Known(_known(database))
        plan = make_plan(found.logs, known, options.filters, reprocess=options.reprocess)
        report.n_unchanged, report.n_superseded = plan.n_unchanged, plan.n_superseded
        report.n_filtered = plan.n_filtered
        report.to_read = [str(log.path) for group in plan.groups for log in group]
        is_wanted = plan.groups or options.parameters_file or not is_current(database)
        if is_wanted and not options.dry_run:
            _Run(
                database=database,
                options=options,
                known=known,
                plan=plan,
                report=report,
                on_progress=on_progress,
            ).run()
    report.duration_s = time.monotonic() - started_at_s
    return report


def recompute(database: Path, parameters_file: Path | None = None) -> int:
    """Bring the database's tables and views up to date and compute every result anew.

    Parameters are those of the file, else the shipped ones.

    Returns:
        The number of drives.

    Raises:
        StoreMissingError: If there is no database.
    """
    if not database.exists():
        raise StoreMissingError(database)
    reset = parameters_file is None
    with (
        writer_lock(database),
        Writer(database, parameters_file=parameters_file, reset_parameters=reset) as writer,
    ):
        counts = _segment_counts(writer)
        refresh_in_groups(writer.connection, counts)
        writer.publish()
    return len(counts)


def _segment_counts(writer: Writer) -> dict[int, int]:
    query = "select drive_id, count(*) from segment group by drive_id"
    return dict(writer.connection.sql(query).fetchall())


def _known(database: Path) -> list[KnownSegment]:
    if not database.exists():
        return []
    with Reader(database, any_version=True) as reader:
        return known_segments(reader.connection)


def _fail(report: IngestReport, path: str, problem: str) -> None:
    report.n_failed += 1
    report.problems.append(Problem(path, "failed", problem))


class _Run:
    """One ingest under way: what is written and what waits to be."""

    def __init__(
        self,
        *,
        database: Path,
        options: IngestOptions,
        known: Known,
        plan: Plan,
        report: IngestReport,
        on_progress: Callable[[int, int, Plan], None] | None,
    ) -> None:
        self._database = database
        self._options = options
        self._known = known
        self._plan = plan
        self._report = report
        self._on_progress = on_progress
        self._batch: dict[tuple[str, str, int], SegmentLog] = {}
        self._batch_bytes = 0
        self._touched: dict[int, int] = {}
        self._started_at = datetime.now(UTC).replace(tzinfo=None)

    def run(self) -> None:
        jobs = self._options.jobs or default_jobs()
        published_at_s = time.monotonic()
        n_bytes = 0
        with Writer(self._database, parameters_file=self._options.parameters_file) as writer:
            self._writer = writer
            if writer.is_outdated:
                self._touched |= _segment_counts(writer)
            for n_done, decoded in enumerate(
                decode(self._plan.groups, self._options.read, jobs=jobs), start=1
            ):
                self._take(decoded)
                n_bytes += decoded.group[0].size_bytes
                if self._batch_bytes >= _BATCH_BYTES:
                    self._write()
                if time.monotonic() - published_at_s > _PUBLISH_EVERY_S:
                    self._publish(reopen=True)
                    published_at_s = time.monotonic()
                if self._on_progress:
                    self._on_progress(n_done, n_bytes, self._plan)
            self._publish()

    def _take(self, decoded: Decoded) -> None:
        for file, problem in decoded.problems:
            _fail(self._report, str(file.path), problem)
        log = decoded.log
        if log is None:
            return
        if log.dongle_id is None or log.drive is None:
            _fail(
                self._report,
                str(log.file.path),
                log.damage or "no device is named by its path or in it; name one with --device",
            )
            return
        if not self._options.filters.admits(log.dongle_id, log.drive, log.started_at_utc):
            self._report.n_filtered += 1
            return
        self._report_damage(log)
        self._accept((log.dongle_id, log.drive, log.segment_num), log)

    def _accept(self, key: tuple[str, str, int], log: SegmentLog) -> None:
        """Take the log for its segment unless what is there is as good."""
        known = self._known.by_key.get(key)
        if known and known.content_hash == log.content_hash and not self._options.reprocess:
            self._report.n_unchanged += 1
            touch_segment(self._writer.connection, known, log.file.path, log.file.mtime_ns)
            return
        if self._known.supersedes(key, log.log_kind) or self._is_worse(key, log):
            self._report.n_superseded += 1
            return
        waiting = self._batch.get(key)
        if waiting and waiting.n_messages >= log.n_messages:
            self._report.n_superseded += 1
            return
        self._batch[key] = log
        self._batch_bytes += sum(table.nbytes for table in log.tables.values())

    def _is_worse(self, key: tuple[str, str, int], log: SegmentLog) -> bool:
        """A damaged log does not replace a better one; a whole one always does."""
        known = self._known.by_key.get(key)
        if known is None or log.status == "ok" or self._options.reprocess:
            return False
        return known.status != "failed" and known.n_messages > log.n_messages

    def _report_damage(self, log: SegmentLog) -> None:
        if log.status == "failed":
            _fail(self._report, str(log.file.path), log.damage or "nothing could be read")
        elif log.status == "partial":
            self._report.n_partial += 1
            self._report.problems.append(
                Problem(str(log.file.path), "partial", log.damage or "damaged")
            )

    def _write(self) -> None:
        connection = self._writer.connection
        logs = [
            (drive_id_of(connection, dongle_id, drive), log)
            for (dongle_id, drive, _), log in self._batch.items()
        ]
        write_segments(connection, logs, self._options.read.profile)
        for drive_id, log in logs:
            self._touched[drive_id] = self._touched.get(drive_id, 0) + 1
            if log.status != "failed":
                self._report.n_ingested += 1
            self._report.size_bytes += log.file.size_bytes
            self._report.raw_size_bytes += log.raw_size_bytes
            self._report.drives.add(f"{log.dongle_id}|{log.drive}")
        self._batch.clear()
        self._batch_bytes = 0

    def _publish(self, *, reopen: bool = False) -> None:
        if self._batch:
            self._write()
        refresh_in_groups(self._writer.connection, self._touched)
        self._touched.clear()
        report = self._report
        self._writer.connection.execute(
            "insert into ingest_run values (?, now() at time zone 'utc', ?, ?, ?, ?, ?, ?)",
            [
                self._started_at,
                version("engagement"),
                report.n_ingested,
                report.n_unchanged + report.n_superseded,
                report.n_partial,
                report.n_failed,
                report.size_bytes,
            ],
        )
        self._writer.publish(reopen=reopen)
