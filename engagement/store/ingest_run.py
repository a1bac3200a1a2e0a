"""One running ingest: takes decoded logs, writes them in batches, and publishes now and then.

Of several logs of a segment the best is kept, whatever the order in which they come: see `rank`.
"""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from engagement.extract.cars import is_unknown_car
from engagement.names import MAX_SEGMENT_NUM, route_name
from engagement.store.copies import settle_copies
from engagement.store.cores import default_jobs
from engagement.store.decoding import decode
from engagement.store.devices import join_other_names
from engagement.store.ingest_plan import is_wanted, started_at
from engagement.store.results import refresh_in_groups
from engagement.store.segments import (
    drive_id_of,
    drives_with_logs,
    known_as,
    known_fingerprints,
    rank,
    stored_path,
    touch_segment,
    write_segments,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

    from engagement.extract.segment import SegmentLog
    from engagement.store.found_videos import FoundVideos
    from engagement.store.ingest_options import IngestOptions, IngestReport
    from engagement.store.ingest_plan import Known, Plan
    from engagement.store.segment_choice import Decoded
    from engagement.store.segments import Key, KnownSegment
    from engagement.store.server_bookmarks import FoundMarks

_PUBLISH_EVERY_S = 120.0
_BATCH_BYTES = 40_000_000  # of Arrow tables: DuckDB compresses a few large inserts best


class Target(Protocol):
    """What is written to: a `Writer`, or a store in memory."""

    connection: duckdb.DuckDBPyConnection
    is_outdated: bool

    def publish(self, *, reopen: bool = False) -> None:
        """Have readers see what was written."""


class IngestRun:
    """One running ingest: what it has written, and what waits to be written."""

    def __init__(
        self,
        writer: Target,
        options: IngestOptions,
        known: Known,
        report: IngestReport,
        *,
        marks: FoundMarks,
        videos: FoundVideos,
    ) -> None:
        self._writer = writer
        self._options = options
        self._known = known
        self._report = report
        self._marks = marks
        self._videos = videos
        self._batch: dict[Key, SegmentLog] = {}
        self._batch_bytes = 0
        self._full_ids: dict[str, str] = {}
        self._touched = set(drives_with_logs(writer.connection) if writer.is_outdated else ())
        self._has_changed = writer.is_outdated
        is_auto = options.read.is_auto
        self._fingerprints = known_fingerprints(writer.connection) if is_auto else {}
        self._started_at = datetime.now(UTC).replace(tzinfo=None)

    def ingest(
        self, plan: Plan, on_progress: Callable[[int, int, Plan], None] | None = None
    ) -> None:
        """Read the plan's logs, and publish what they change."""
        jobs = self._options.jobs or default_jobs()
        published_at_s = time.monotonic()
        self._full_ids = plan.full_ids
        n_bytes = 0
        logs = decode(
            plan.groups,
            self._options.read,
            self._fingerprints,
            jobs=jobs,
            memory_bytes=self._options.memory_bytes,
        )
        for n_done, decoded in enumerate(logs, start=1):
            self._take(decoded)
            n_bytes += decoded.group[0].size_bytes
            if self._batch_bytes >= _BATCH_BYTES:
                self._write()
            if time.monotonic() - published_at_s > _PUBLISH_EVERY_S:
                self._publish(reopen=True)
                published_at_s = time.monotonic()
            if on_progress:
                on_progress(n_done, n_bytes, plan)
        self._publish()

    def _take(self, decoded: Decoded) -> None:
        for file, problem in decoded.problems:
            self._report.fail(file.path, problem)
        log = decoded.log
        if log is None:
            return
        if log.dongle_id is None or log.drive is None:
            nameless = "no device is named by its path or in it; name one with --device"
            self._report.fail(log.file.path, log.damage or nameless)
        elif not is_wanted(
            self._options.selection, log.dongle_id, log.drive, started_at(log), self._full_ids
        ):
            self._report.n_filtered += 1
        else:
            dongle_id, drive = self._full_ids.get(log.dongle_id, log.dongle_id), log.drive
            self._report_damage(log)
            self._report.n_superseded += _n_copies(decoded, log)
            self._note_car(dongle_id, drive, log)
            if log.file.name.drive is None and self._options.read.drive is None:
                self._report.named.append((str(log.file.path), route_name(dongle_id, drive)))
            if log.file.name.segment_num is None:
                log = self._numbered(dongle_id, drive, log)
            self._accept((dongle_id, drive, log.segment_num), log)

    def _numbered(self, dongle_id: str, drive: str, log: SegmentLog) -> SegmentLog:
        """Give a log whose path has no number one that no log of another time has."""
        for number in range(log.segment_num, MAX_SEGMENT_NUM):
            key = dongle_id, drive, number
            others = self._known.by_key.get(key), self._batch.get(key)
            if all(other is None or _is_of_same_time(log, other) for other in others):
                return replace(log, segment_num=number)
        return log

    def _note_car(self, dongle_id: str, drive: str, log: SegmentLog) -> None:
        """Remember the car for the drive's next logs, and report a car that has no DBC."""
        if log.fingerprint:
            self._fingerprints.setdefault((dongle_id, drive), log.fingerprint)
            if log.profile and is_unknown_car(log.profile):
                self._report.unknown_cars.add(log.fingerprint)

    def _report_damage(self, log: SegmentLog) -> None:
        if log.status == "failed":
            self._report.fail(log.file.path, log.damage or "nothing could be read")
        elif log.status == "partial":
            self._report.damage(log.file.path, log.damage or "damaged")

    def _accept(self, key: Key, log: SegmentLog) -> None:
        """Take the log for its segment unless the one in the database is as good."""
        known = self._known.by_key.get(key)
        waiting = self._batch.get(key)
        if known and self._is_there(log, known):
            self._report.n_unchanged += 1
            self._touch(known, log)
        elif (known and not self._replaces(log, known)) or (waiting and rank(waiting) >= rank(log)):
            self._report.n_superseded += 1
        else:
            if waiting:
                self._report.n_superseded += 1
            self._batch[key] = log
            self._batch_bytes += sum(table.nbytes for table in log.tables.values())

    def _is_there(self, log: SegmentLog, known: KnownSegment) -> bool:
        is_same = known.content_hash == log.content_hash
        is_as_wanted = self._options.read.is_met_by(known.profile)
        is_cut = known.is_cut_below(self._options.read.limit_bytes)
        is_wanted = self._options.reprocess or known.is_outdated
        return is_same and is_as_wanted and not is_cut and not is_wanted

    def _touch(self, known: KnownSegment, log: SegmentLog) -> None:
        """Update path and time of a log that was moved, or written again unchanged."""
        path, mtime_ns = stored_path(log.file.path), log.file.mtime_ns
        if (known.path, known.mtime_ns) != (path, mtime_ns) and _stands_for(log, known):
            touch_segment(self._writer.connection, known, log.file.path, mtime_ns)
            self._has_changed = True

    def _replaces(self, log: SegmentLog, known: KnownSegment) -> bool:
        """Whether a log is better than the one in the database, or a newer version of its file.

        A file that was damaged after it was ingested does not replace its earlier content.
        """
        is_same_file = stored_path(log.file.path) == known.path
        is_itself = is_same_file or log.content_hash == known.content_hash
        is_longer = log.raw_size_bytes > known.raw_size_bytes
        is_wanted = self._options.reprocess or known.is_outdated
        if is_itself and (log.status == "ok" or is_longer or is_wanted):
            return True
        if rank(log) == rank(known):
            return _stands_for(log, known)
        return rank(log) > rank(known)

    def _write(self) -> None:
        connection = self._writer.connection
        logs = [
            (drive_id_of(connection, dongle_id, drive), log)
            for (dongle_id, drive, _), log in self._batch.items()
        ]
        in_order = sorted(logs, key=lambda numbered: (numbered[0], numbered[1].segment_num))
        write_segments(connection, in_order)
        for key, (drive_id, log) in zip(self._batch, logs, strict=True):
            self._known.add(key, known_as(drive_id, key, log))
            self._touched.add(drive_id)
            if log.status != "failed":
                self._report.n_ingested += 1
                self._report.drives.add(route_name(key[0], key[1]))
            self._report.size_bytes += log.file.size_bytes
            self._report.raw_size_bytes += log.raw_size_bytes
        self._batch.clear()
        self._batch_bytes = 0
        self._has_changed = True

    def _publish(self, *, reopen: bool = False) -> None:
        if self._batch:
            self._write()
        connection = self._writer.connection
        if self._has_changed:
            self._touched |= join_other_names(connection)
            self._touched |= settle_copies(connection)
        self._has_changed |= self._marks.write(connection)
        n_new_videos = self._videos.write(connection, self._known.by_key)
        self._report.n_new_videos += n_new_videos
        self._has_changed |= n_new_videos > 0
        if not self._has_changed:
            return
        refresh_in_groups(self._writer.connection, self._touched)
        self._touched.clear()
        report = self._report
        self._writer.connection.execute(
            "delete from store.ingest_run where started_at_utc = ?", [self._started_at]
        )
        self._writer.connection.execute(
            "insert into store.ingest_run values (?, now() at time zone 'utc', ?, ?, ?, ?, ?, ?)",
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
        self._has_changed = False


def _stands_for(log: SegmentLog, known: KnownSegment) -> bool:
    """Whether a log is the file that a segment is from, or that file is gone."""
    return stored_path(log.file.path) == known.path or not Path(known.path).exists()


def _n_copies(decoded: Decoded, log: SegmentLog) -> int:
    """The logs of its kind that a segment's best one stands for, as of a device of two names."""
    failed = {file.path for file, _ in decoded.problems}
    kind, path = log.file.name.log_kind, log.file.path
    return sum(
        file.name.log_kind == kind and file.path != path and file.path not in failed
        for file in decoded.group
    )


def _is_of_same_time(log: SegmentLog, other: SegmentLog | KnownSegment) -> bool:
    """Whether two logs hold the same moments, as an rlog and its qlog do, or can't be told apart.

    Neighbours may have some messages of each other's time.
    """
    if log.start_mono_ns is None or log.end_mono_ns is None:
        return True
    if other.start_mono_ns is None or other.end_mono_ns is None:
        return True
    common_ns = min(log.end_mono_ns, other.end_mono_ns) - max(
        log.start_mono_ns, other.start_mono_ns
    )
    shorter_ns = min(log.end_mono_ns - log.start_mono_ns, other.end_mono_ns - other.start_mono_ns)
    return 2 * common_ns >= shorter_ns
