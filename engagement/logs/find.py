"""Folders and files that a user names, to the list of log files in them, and of videos.

Only directories are read and sizes taken, no log is opened. A log that is still being written,
which its recorder marks by a `.lock` file beside it, is kept apart.
"""

from __future__ import annotations

import os
import re
import stat
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from engagement.errors import reason_of
from engagement.logs.video_files import VideoFile, parse_video_path
from engagement.names import LogName, looks_like_log, parse_any_path, parse_log_path

if TYPE_CHECKING:
    from collections.abc import Sequence

_UNFINISHED_SUFFIXES = (".part", ".tmp")
_LOCK_SUFFIX = ".lock"
_VIDEO_SUFFIXES = (".ts", ".hevc")
_MAY_BE_LOG = re.compile(r"log|\.(?:bz2|zst|gz|xz|zip|7z|tar|lz4)")
_KIND_ORDER = {"rlog": 0, "qlog": 1, "": 2}

_Paths = list[tuple[str, str]]  # as reached, and with links resolved


@dataclass(frozen=True, slots=True)
class LogFile:
    """A log on disk.

    Attributes:
        path: Absolute, as reached: links in it are not resolved.
        name: What the path says.
        size_bytes: As stored, so usually compressed.
        mtime_ns: Time of the last change, nanoseconds since 1970.
    """

    path: Path
    name: LogName
    size_bytes: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search.

    Attributes:
        logs: By dongle, drive, segment, kind (rlog first) and path; each file once.
        locked: Logs that are still being written, or whose recording crashed.
        missing: Given paths that do not exist, as given.
        unreadable: Folders and files that can't be read, and why.
        not_taken: Files in folders that look like logs, but are not named like one.
        videos: By path; those of segments that are still being written are left out.
    """

    logs: list[LogFile] = field(default_factory=list)
    locked: list[Path] = field(default_factory=list)
    missing: list[Path] = field(default_factory=list)
    unreadable: list[tuple[Path, str]] = field(default_factory=list)
    not_taken: list[Path] = field(default_factory=list)
    videos: list[VideoFile] = field(default_factory=list)


def find_logs(paths: Sequence[Path]) -> Found:
    """Find the logs in folders, at any depth, and those given as files.

    In folders a log is a file named like one. A file given itself is taken whatever its name.
    Links are followed. Hidden and unfinished (.part, .tmp) files and folders are left out,
    unless given themselves.
    """
    search = _Search()
    for path in paths:
        search.take_given(path)
    found = search.found
    found.logs.sort(key=_order)
    found.locked.sort()
    found.unreadable.sort()
    found.not_taken.sort()
    found.videos.sort(key=lambda video: str(video.path))
    return found


def _order(log: LogFile) -> tuple[str, str, int, int, str]:
    name = log.name
    number = -1 if name.segment_num is None else name.segment_num
    kind = _KIND_ORDER[name.log_kind]
    return name.dongle_id or "", name.drive or "", number, kind, str(log.path)


class _Search:
    """One search; `seen` holds the real paths met, so that links can't lead in circles."""

    def __init__(self) -> None:
        self.found = Found()
        self.seen: set[str] = set()

    def take_given(self, path: Path) -> None:
        """Take a path from the user: a folder, a file, or a mistake to report."""
        try:
            mode = path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            self.found.missing.append(path)
            return
        except OSError as error:
            self.found.unreadable.append((path, reason_of(error).lower()))
            return
        real = os.path.realpath(path)
        reached = real if ".." in path.parts else str(path.absolute())
        if stat.S_ISDIR(mode):
            self.walk(reached, real)
        elif stat.S_ISREG(mode):
            file = Path(reached)
            locks = _locks_beside(file)
            if parse_video_path(file):
                self.take_video(file, locks | _locks_beside(file.with_name("rlog")))
            else:
                self.take_file(file, real, parse_any_path(file), locks)
        else:
            self.found.unreadable.append((path, "neither a file nor a folder"))

    def walk(self, top: str, top_real: str) -> None:
        """Take the logs of a folder and of all below.

        Links are followed last, so that a log is named by its own path if it has one.
        """
        pending = deque([(top, top_real)])
        while pending:
            reached, real = pending.popleft()
            if real in self.seen:
                continue
            if not os.path.isdir(reached):  # noqa: PTH112 - a Path takes 3x the time
                file = Path(reached)
                self.take_file(file, real, parse_log_path(file), _locks_beside(file))
                continue
            self.seen.add(real)
            folders, links = self.take_folder(reached, real)
            pending.extendleft(reversed(folders))
            pending.extend(links)

    def take_folder(self, reached: str, real: str) -> tuple[_Paths, _Paths]:
        """Take the logs of one folder; return the folders and the links in it."""
        try:
            with os.scandir(reached) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            self.found.unreadable.append((Path(reached), reason_of(error).lower()))
            return [], []
        locks = {entry.name for entry in entries if entry.name.endswith(_LOCK_SUFFIX)}
        folders: _Paths = []
        links: _Paths = []
        for entry in entries:
            if entry.name.startswith(".") or entry.name.endswith(_UNFINISHED_SUFFIXES):
                continue
            kind = _kind(entry)
            if kind == "link":
                links.append((entry.path, os.path.realpath(entry.path)))
                continue
            own = os.path.join(real, entry.name)  # noqa: PTH118 - a Path takes 3x the time
            if kind == "folder":
                folders.append((entry.path, own))
            elif _may_be_log(entry.name):  # so that other files need no `stat`
                file = Path(entry.path)
                self.take_file(file, own, parse_log_path(file), locks)
            elif entry.name.endswith(_VIDEO_SUFFIXES):
                self.take_video(Path(entry.path), locks)
        return folders, links

    def take_file(self, path: Path, real: str, name: LogName | None, locks: set[str]) -> None:
        """Take a regular file that is a log and not yet seen, with the locks in its folder."""
        if name is None and looks_like_log(path) and real not in self.seen:
            self.found.not_taken.append(path)
        if name is None or real in self.seen:
            return
        try:
            status = path.stat()
        except OSError as error:
            self.found.unreadable.append((path, reason_of(error).lower()))
            return
        if not stat.S_ISREG(status.st_mode):
            return
        self.seen.add(real)
        if locks and not locks.isdisjoint(_lock_names(path.name)):
            self.found.locked.append(path)
        else:
            self.found.logs.append(LogFile(path, name, status.st_size, status.st_mtime_ns))

    def take_video(self, path: Path, locks: set[str]) -> None:
        """Take a file that is a segment's video, with the locks in its folder."""
        parsed = parse_video_path(path)
        if parsed is None or not locks.isdisjoint(_lock_names("rlog")):
            return
        try:
            status = path.stat()
        except OSError:  # it is shown by nothing but its absence
            return
        if stat.S_ISREG(status.st_mode) and status.st_size:
            name, camera = parsed
            video = VideoFile(path, name, camera, status.st_size, status.st_mtime_ns)
            self.found.videos.append(video)


def _may_be_log(file: str) -> bool:
    return _MAY_BE_LOG.search(file.lower()) is not None


def _kind(entry: os.DirEntry[str]) -> str:
    """Return `link`, `folder` or `file`; `file` also for an entry that can't be read."""
    try:
        if entry.is_symlink():
            return "link"
        return "folder" if entry.is_dir(follow_symlinks=False) else "file"
    except OSError:
        return "file"


def _lock_names(file: str) -> list[str]:
    """Return the names of the lock files that belong to a log.

    The recorder opens both logs of a segment under the lock of the rlog, and has named that
    after the log with and without the codec's suffix.
    """
    stem = file.removesuffix(".bz2").removesuffix(".zst")
    stems = [stem]
    if stem.endswith("qlog"):
        stems.append(stem.removesuffix("qlog") + "rlog")
    return [stem + suffix + _LOCK_SUFFIX for stem in stems for suffix in ("", ".bz2", ".zst")]


def _locks_beside(path: Path) -> set[str]:
    """Return the names of existing lock files that belong to a file."""
    return {lock for lock in _lock_names(path.name) if os.path.lexists(path.with_name(lock))}
