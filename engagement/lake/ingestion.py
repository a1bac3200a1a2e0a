"""Logs in, drives in a lake out: units are planned, computed side by side, and taken in batches."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from typing import TYPE_CHECKING

from engagement.lake.catalog import digests, open_lake
from engagement.lake.committer import Committer
from engagement.lake.manifests import merge_report
from engagement.lake.pool import compute_all
from engagement.lake.units import Unit
from engagement.logs.find import find_logs
from engagement.store.cores import default_jobs
from engagement.store.decoding import decode
from engagement.store.ingest_options import IngestReport
from engagement.store.ingest_plan import Known, make_plan
from engagement.store.ingestion import report_found
from engagement.store.segments import known_segments

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    import duckdb

    from engagement.lake.manifests import Manifest
    from engagement.logs.find import Found, LogFile
    from engagement.logs.video_files import VideoFile
    from engagement.store.ingest_options import IngestOptions
    from engagement.store.ingest_plan import Plan
    from engagement.store.lake_file import LakeFile

    _Group = tuple[LogFile, ...]
    _Drive = tuple[str, str]  # dongle id and name

_BATCH_DRIVES = 500
_COMMIT_EVERY_S = 60.0


def ingest_into_lake(
    paths: Sequence[Path],
    path: Path,
    options: IngestOptions,
    on_progress: Callable[[int, int, Plan], None] | None = None,
) -> IngestReport:
    """Bring a lake up to date with the logs under some paths, as `store.ingestion.ingest` does.

    Every batch of drives is there, whole, as soon as it is taken; an ingest that ends before its
    time loses what it had under way, and the next one goes on.

    Raises:
        StoreError: If the lake can't be used.
    """
    started_at_s = time.monotonic()
    report = IngestReport()
    found = find_logs(paths)
    report_found(report, found)
    with open_lake(path) as (lake, connection):
        known = Known(known_segments(connection))
        plan = make_plan(
            found.logs, known, options.selection, options.read, reprocess=options.reprocess
        )
        report.n_failed_before = plan.n_failed_before
        report.n_unchanged, report.n_superseded = plan.n_unchanged, plan.n_superseded
        report.n_filtered = plan.n_filtered
        report.to_read = [str(log.path) for group in plan.groups for log in group]
        if not options.dry_run:
            units = _units(connection, lake, plan, found, options)
            committer = Committer(connection, lake)
            results = compute_all(units, options.jobs or default_jobs())
            _take_all(committer, _shown(results, plan, on_progress), report)
            _note_run(connection, report)
    report.duration_s = time.monotonic() - started_at_s
    return report


def _shown(
    results: Iterable[tuple[Unit, Manifest]],
    plan: Plan,
    on_progress: Callable[[int, int, Plan], None] | None,
) -> Iterator[Manifest]:
    """The manifests as they come, with segments and bytes done told of each."""
    n_done = n_bytes = 0
    for unit, manifest in results:
        yield manifest
        n_done += len(unit.groups)
        n_bytes += unit.size_bytes
        if on_progress:
            on_progress(n_done, n_bytes, plan)


def _take_all(committer: Committer, manifests: Iterable[Manifest], report: IngestReport) -> None:
    batch: list[Manifest] = []
    committed_at_s = time.monotonic()
    for manifest in manifests:
        merge_report(report, manifest.report)
        batch.append(manifest)
        is_due = time.monotonic() - committed_at_s > _COMMIT_EVERY_S
        if len(batch) >= _BATCH_DRIVES or is_due:
            committer.commit(batch)
            batch.clear()
            committed_at_s = time.monotonic()
    committer.commit(batch)


def _units(
    connection: duckdb.DuckDBPyConnection,
    lake: LakeFile,
    plan: Plan,
    found: Found,
    options: IngestOptions,
) -> list[Unit]:
    """The plan's logs by drive; new drives get the next numbers of the catalog."""
    stored = connection.execute("select drive_id, dongle_id, drive, host from log.drive").fetchall()
    by_name = {(dongle_id, drive): row for row in stored for _, dongle_id, drive, _ in [row]}
    numbers = count(max((row[0] for row in stored), default=0) + 1)
    taken = digests(connection)
    parameters = connection.sql("from store.parameter").to_arrow_table()
    beside: dict[Path, list[VideoFile]] = {}
    for video in found.videos:
        beside.setdefault(video.path.parent, []).append(video)
    jobs = options.jobs or default_jobs()
    share = replace(options, memory_bytes=options.memory_bytes // jobs)
    units = []
    for (dongle_id, drive), groups in _by_drive(plan, options).items():
        row = by_name.get((dongle_id, drive)) or (next(numbers), dongle_id, drive, "offline")
        folders = sorted({log.path.parent for group in groups for log in group})
        videos = tuple(video for folder in folders for video in beside.get(folder, ()))
        units.append(
            Unit(
                row,
                tuple(groups),
                videos,
                plan.full_ids,
                share,
                parameters,
                lake,
                taken.get(row[0]),
            )
        )
    return units


def _by_drive(plan: Plan, options: IngestOptions) -> dict[_Drive, list[_Group]]:
    """Groups by the drive that their path names; where it names none, by what the log says."""
    found: dict[_Drive, list[_Group]] = {}
    nameless = []
    for group in plan.groups:
        name = group[0].name
        if name.dongle_id is None or name.drive is None:
            nameless.append(group)
        else:
            dongle_id = plan.full_ids.get(name.dongle_id, name.dongle_id)
            found.setdefault((dongle_id, name.drive), []).append(group)
    for drive, group in _named(nameless, plan, options):
        found.setdefault(drive, []).append(group)
    return found


def _named(
    groups: Sequence[_Group], plan: Plan, options: IngestOptions
) -> Iterator[tuple[_Drive, _Group]]:
    """Read logs for their drive alone; one that names none is its own, and will be reported."""
    jobs = options.jobs or default_jobs()
    for decoded in decode(groups, options.read, jobs=jobs, memory_bytes=options.memory_bytes):
        log = decoded.log
        dongle_id, drive = (log.dongle_id, log.drive) if log else (None, None)
        place = str(decoded.group[0].path)
        known = plan.full_ids.get(dongle_id or "", dongle_id)
        yield (known or place, drive or place), decoded.group


def _note_run(connection: duckdb.DuckDBPyConnection, report: IngestReport) -> None:
    connection.execute(
        "insert into store.ingest_run values (?, now() at time zone 'utc', ?, ?, ?, ?, ?, ?)",
        [
            datetime.now(UTC).replace(tzinfo=None),
            version("engagement"),
            report.n_ingested,
            report.n_unchanged + report.n_superseded,
            report.n_partial,
            report.n_failed,
            report.size_bytes,
        ],
    )
