"""Logs in, a new generation of the database out.

`ingest` finds logs, reads those that are new or changed in worker processes, writes their rows,
computes the touched drives and publishes. A damaged log is reported, and the others are ingested.
"""

from __future__ import annotations

import time
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from engagement.errors import StoreMissingError
from engagement.logs.find import find_logs
from engagement.store import schema
from engagement.store.copies import refresh_all
from engagement.store.cores import default_jobs
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.decoding import warm_up
from engagement.store.device_aliases import read_aliases
from engagement.store.found_videos import FoundVideos
from engagement.store.ingest_options import IngestReport
from engagement.store.ingest_plan import Known, make_plan
from engagement.store.ingest_run import IngestRun
from engagement.store.reader import Reader, unusable
from engagement.store.segments import drives_with_logs, known_segments
from engagement.store.server_bookmarks import find_marks
from engagement.store.time_zones import forget_time_zones

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from engagement.logs.find import Found
    from engagement.store.ingest_options import IngestOptions
    from engagement.store.ingest_plan import Plan
    from engagement.store.server_bookmarks import FoundMarks


def ingest(
    paths: Sequence[Path],
    database: Path,
    options: IngestOptions,
    on_progress: Callable[[int, int, Plan], None] | None = None,
) -> IngestReport:
    """Bring the database up to date with the logs under some paths.

    Nothing is published where nothing has changed. A log that was read for the tables of an older
    engagement is read again when it is found, as columns that are newer are empty.

    Args:
        paths: Folders and files.
        database: The database file; made where there is none.
        options: What to read and how.
        on_progress: Called after every segment with segments and bytes done, and the plan.

    Raises:
        StoreError: If the database can't be written.
        ConfigError: If the parameters do not hold.
    """
    started_at_s = time.monotonic()
    report = IngestReport()
    found = find_logs(paths)
    report_found(report, found)
    marks, videos = find_marks(found.logs), FoundVideos(found.videos)
    for path, reason in marks.problems:
        report.fail(path, reason)
    with nullcontext() if options.dry_run else writer_lock(database):
        seen = _look(database)
        known = seen.known
        if seen.has_older_tables:
            options = replace(options, reprocess=True)
            report.has_older_tables = True
        plan = make_plan(
            found.logs,
            known,
            options.selection,
            options.read,
            reprocess=options.reprocess,
        )
        if report.has_older_tables or not options.reprocess:
            report.n_read_again = known.n_unchanged(plan.groups, options.read)
        report.n_failed_before = plan.n_failed_before
        report.n_unchanged, report.n_superseded = plan.n_unchanged, plan.n_superseded
        report.n_filtered = plan.n_filtered
        report.to_read = [str(log.path) for group in plan.groups for log in group]
        # Without new logs, a database is still written if its views or parameters change.
        is_stale = database.exists() and (options.parameters_file or not seen.is_current)
        report.has_news = _has_news(database, seen, marks, videos)
        is_wanted = plan.groups or is_stale or report.has_news
        if is_wanted and not options.dry_run:
            # The decoder is imported while the database is copied.
            warm_up(plan.groups, jobs=options.jobs or default_jobs())
            with Writer(database, parameters_file=options.parameters_file) as writer:
                if writer.is_outdated:
                    report.n_recomputed = len(drives_with_logs(writer.connection))
                    report.definitions_before = seen.definitions
                run = IngestRun(writer, options, known, report, marks=marks, videos=videos)
                run.ingest(plan, on_progress)
    report.duration_s = time.monotonic() - started_at_s
    return report


def report_found(report: IngestReport, found: Found) -> None:
    """Report what a search found, and what it could not read."""
    report.locked = [str(path) for path in found.locked]
    report.missing = [str(path) for path in found.missing]
    report.not_taken = [str(path) for path in found.not_taken]
    report.n_videos = len(found.videos)
    for path, reason in found.unreadable:
        report.fail(path, reason)


def _has_news(database: Path, seen: _Seen, marks: FoundMarks, videos: FoundVideos) -> bool:
    """Whether servers know bookmarks, or folders have videos, that the database does not.

    One of another program's tables is written in any case.
    """
    if not (marks.by_logs or videos.videos) or not seen.is_current or not database.exists():
        return False
    with Reader(database) as reader:
        connection = reader.connection
        news = videos.changes(connection, seen.known.by_key)
        return bool(news or marks.changes(connection))


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
        forget_time_zones(writer.connection)
        n_drives = refresh_all(writer.connection)
        writer.publish()
    return n_drives


def definitions_of(database: Path) -> int | None:
    """The number of the definitions that a database's results are of; None without any.

    Raises:
        StoreMissingError: If there is no database.
        StoreError: If it can't be read.
    """
    with Reader(database, any_version=True) as reader:
        try:
            return schema.stored_definitions(reader.connection)
        except duckdb.Error as error:
            raise unusable(database, error) from error


def has_older_tables(database: Path) -> bool:
    """Whether an older engagement made a database's tables, which may lack what logs say.

    Raises:
        StoreError: If it can't be read.
    """
    if not database.exists():
        return False
    with Reader(database, any_version=True) as reader:
        try:
            return _is_older(schema.stored_version(reader.connection))
        except duckdb.Error as error:
            raise unusable(database, error) from error


def _is_older(version: int) -> bool:
    return 0 < version < schema.latest_version()


class _Seen(NamedTuple):
    """What is in a database, and which program made it: this one, or one of older tables."""

    known: Known
    is_current: bool = False
    definitions: int | None = None
    has_older_tables: bool = False


def _look(database: Path) -> _Seen:
    """Look into a database once: to open it takes as long as to read what is in it."""
    if not database.exists():
        return _Seen(Known([]))
    with Reader(database, any_version=True) as reader:
        connection = reader.connection
        try:
            version = schema.stored_version(connection)
            return _Seen(
                Known(known_segments(connection) if version else [], read_aliases(connection)),
                schema.is_current(connection),
                schema.stored_definitions(connection),
                _is_older(version),
            )
        except duckdb.Error as error:
            raise unusable(database, error) from error
