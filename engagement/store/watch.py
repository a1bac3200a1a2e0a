"""Logs ingested as they appear and settle, in small batches that are published one by one.

What lies beside logs, a segment's videos and the file of what servers tell of a drive, is part of
their state: where it changes, the database takes it without reading them again.

Folders are polled, as notifications of changes do not work on network file systems. A log has
settled when two scans find the same size and time of change, and no lock beside it. The writer's
lock is held while a batch is ingested, and not between batches.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from engagement.errors import StoreBusyError
from engagement.logs.find import find_logs
from engagement.store.database_writer import writer_lock
from engagement.store.ingest_options import IngestReport
from engagement.store.ingestion import ingest
from engagement.store.server_bookmarks import marks_files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from engagement.logs.find import Found, LogFile
    from engagement.logs.video_files import VideoFile
    from engagement.store.ingest_options import IngestOptions
    from engagement.store.ingest_plan import Plan

_BATCH_LOGS = 60  # an hour's drive
_WAITS_PER_LOOK = 9  # scans of a large archive take a tenth of the time at most

_State = tuple[int, ...]


class Stop(Protocol):
    """What ends a watch: a `threading.Event`, or something else that signals can set."""

    def is_set(self) -> bool:
        """Whether it is time to stop."""

    def wait(self, timeout: float, /) -> object:
        """Return when it is, or after some seconds."""


class _StoppedError(Exception):
    """A batch was abandoned, and nothing of it is published."""


def watch(
    paths: Sequence[Path], database: Path, options: IngestOptions, *, every_s: float, stop: Stop
) -> Iterator[IngestReport | StoreBusyError]:
    """Ingest the logs under some paths as they settle, until told to stop.

    A stop abandons the current batch: nothing of it is published; the next watch reads it again.

    Args:
        paths: Folders and files; they may appear after the watch has started.
        database: The database file; made where there is none.
        options: What to read and how.
        every_s: Least time between two scans.
        stop: Checked between logs.

    Yields:
        A report of each batch, or the error that another process writes to the database; the logs
        are then ingested after a later scan.

    Raises:
        StoreError: If the database can't be written.
        ConfigError: If the parameters do not hold.
    """
    sight = _Sight(paths)
    rounds = _Rounds(sight, database, options, stop)
    while not stop.is_set():
        started_at_s = time.monotonic()
        settled = sight.look()
        look_s = time.monotonic() - started_at_s
        # Another writer is no reason to end: the logs stay settled, and the next round has them.
        try:
            yield from rounds.ingest(settled)
        except StoreBusyError as error:
            yield error
        except _StoppedError:
            return
        stop.wait(max(every_s, _WAITS_PER_LOOK * look_s))


class _Sight:
    """What the last scan found, and which of the logs are ingested."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._seen: dict[Path, _State] = {}
        self._done: dict[Path, _State] = {}
        self._videos: Mapping[Path, list[VideoFile]] = {}
        self._said: set[Path] | None = None
        self._news = IngestReport()

    def look(self) -> list[Path]:
        """Scan the folders; return the logs that have settled and are not ingested yet."""
        found = find_logs(self._paths)
        self._videos = _by_folder(found.videos)
        states = _states(found.logs, self._videos)
        settled = [
            path
            for path, state in states.items()
            if self._seen.get(path) == state and self._done.get(path) != state
        ]
        self._seen = states
        self._done = {path: state for path, state in self._done.items() if path in states}
        self._take_news(found)
        return settled

    def with_videos(self, logs: Sequence[Path]) -> list[Path]:
        """Logs, and the videos in their folders."""
        folders = dict.fromkeys(path.parent for path in logs)
        found = (video.path for folder in folders for video in self._videos.get(folder, ()))
        return [*logs, *found]

    def finish(self, paths: Sequence[Path]) -> None:
        """Remember logs that need not be read again until they change."""
        self._done |= {path: self._seen[path] for path in paths}

    def news(self) -> IngestReport:
        """Paths that can't be read and were not reported yet; locked logs only at first."""
        news, self._news = self._news, IngestReport()
        return news

    def _take_news(self, found: Found) -> None:
        is_first = self._said is None
        said = self._said or set()
        if is_first:
            self._news.locked = [str(path) for path in found.locked]
        self._news.not_taken += [str(path) for path in found.not_taken if path not in said]
        self._news.missing += [str(path) for path in found.missing if path not in said]
        for path, reason in found.unreadable:
            if path not in said:
                self._news.fail(path, reason)
        unreadable = [path for path, _ in found.unreadable]
        self._said = {*found.missing, *unreadable, *found.not_taken}


class _Rounds:
    """The batches of one watch."""

    def __init__(self, sight: _Sight, database: Path, options: IngestOptions, stop: Stop) -> None:
        self._sight = sight
        self._database = database
        self._options = options
        self._stop = stop
        self._is_up_to_date = False

    def ingest(self, settled: Sequence[Path]) -> Iterator[IngestReport]:
        """Ingest logs in batches; the database is asked which need not be read."""
        if not self._is_up_to_date:
            if ingest((), self._database, self._options).has_older_tables:
                self._options = replace(self._options, reprocess=True)
            self._is_up_to_date = True
        to_read, told = self._planned(settled) if settled else ([], [])
        for batch in _batches(to_read):
            if self._stop.is_set():
                return
            yield self._ingest(batch)
        if told and not self._stop.is_set():
            yield self._ingest(told)
        news = self._sight.news()
        if news.locked or news.missing or news.not_taken or news.problems:
            yield news

    def _ingest(self, batch: Sequence[Path]) -> IngestReport:
        with_videos = self._sight.with_videos(batch)
        report = ingest(with_videos, self._database, self._options, self._check)
        self._sight.finish(batch)
        return _with_news(report, self._sight.news())

    def _planned(self, settled: Sequence[Path]) -> tuple[list[Path], list[Path]]:
        """The logs that are to be read, and those beside which there is something new."""
        is_dry = replace(self._options, dry_run=True)
        with writer_lock(self._database):  # its error names the other writer; a reader's could not
            plan = ingest(self._sight.with_videos(settled), self._database, is_dry)
        named = set(plan.to_read)
        to_read = [path for path in settled if str(path) in named]
        others = [path for path in settled if str(path) not in named]
        if plan.has_news or plan.problems:
            return to_read, others
        self._sight.finish(others)
        return to_read, []

    def _check(self, _n_done: int, _n_bytes: int, _plan: Plan) -> None:
        """Abandon the batch even after its last log: the signal may have killed a decoder too."""
        if self._stop.is_set():
            raise _StoppedError


def _states(
    logs: Sequence[LogFile], videos: Mapping[Path, Sequence[VideoFile]]
) -> dict[Path, _State]:
    """What tells that a log, or what lies beside it, is another: a video, what a server says."""
    states: dict[Path, _State] = {log.path: (log.size_bytes, log.mtime_ns) for log in logs}
    for log in logs:
        for video in videos.get(log.path.parent, ()):
            if video.name.segment_num == log.name.segment_num:
                states[log.path] += (video.size_bytes, video.mtime_ns)
    for file, beside in marks_files(logs).items():
        with suppress(OSError):  # it is gone meanwhile
            status = file.stat()
            for path in beside:
                states[path] += (status.st_size, status.st_mtime_ns)
    return states


def _by_folder(videos: Sequence[VideoFile]) -> dict[Path, list[VideoFile]]:
    found: dict[Path, list[VideoFile]] = {}
    for video in videos:
        found.setdefault(video.path.parent, []).append(video)
    return found


def _batches(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Some logs at a time; those of one folder, as a segment's are, stay together."""
    batch: list[Path] = []
    for _, logs in groupby(paths, key=lambda path: path.parent):
        batch += logs
        if len(batch) >= _BATCH_LOGS:
            yield batch
            batch = []
    if batch:
        yield batch


def _with_news(report: IngestReport, news: IngestReport) -> IngestReport:
    report.locked += news.locked
    report.missing += news.missing
    report.not_taken += news.not_taken
    for problem in news.problems:
        report.problems.append(problem)
        report.n_failed += 1
    return report
