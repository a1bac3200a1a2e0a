"""Compares the logs of a device with those here: which have to be fetched."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

from engagement.collect.remote_log import QCAMERA, SUFFIXES, VIDEO
from engagement.collect.transfer import Transfer
from engagement.filters import Selection
from engagement.names import drive_started_at, is_short_for, other_dongle_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from engagement.collect.listing import Listing
    from engagement.collect.remote_log import RemoteLog

Kind = Literal["rlog", "qlog", "both"]

_PARTS = {f"{kind}{suffix}.part": kind for kind in ("rlog", "qlog") for suffix in SUFFIXES}
_PARTS[f"{QCAMERA}.part"] = VIDEO
_SAME_TIME_NS = 2 * 10**9  # the coarsest resolution of file systems


@dataclass(frozen=True, slots=True)
class WantedLogs:
    """Which logs are wanted: of a kind, with the small video or not, and of some drives.

    What is here under another name of its device, as of `aliases`, is not wanted again.
    The day of a drive is the one in its name; for those that have none, the day of the file here.
    """

    kind: Kind = "rlog"
    drives: Selection = field(default_factory=Selection)
    with_video: bool = False
    aliases: Mapping[str, str] = field(default_factory=dict)

    def admits(self, log: RemoteLog) -> bool:
        """Whether a log is wanted."""
        day = _day(log)
        is_video = log.kind == VIDEO
        is_of_kind = self.with_video if is_video else self.kind in (log.kind, "both")
        return is_of_kind and self.drives.admits(drive=log.drive, since=day, until=day)


def _day(log: RemoteLog) -> date:
    started_at = drive_started_at(log.drive)
    if started_at:
        return started_at.date()
    return datetime.fromtimestamp(log.mtime_ns / 1e9, UTC).astimezone().date()


@dataclass(slots=True)
class Plan:
    """The plan for a device's logs.

    Attributes:
        transfers: Logs to fetch, oldest first.
        n_there: Logs that are here already.
        n_old: Those of them in a folder with another name of the device.
        there: Those of them that should be here byte for byte, each with its file.
        n_locked: Logs that are still being written.
        conflicts: Files that are here and differ, each with how.
        nameless: Logs of no known device.
        doubles: Logs that the device also has in another form, which is fetched instead.
        spent: `.part` files of logs that are here.
        left: `.part` files of logs that the device no longer has.
    """

    transfers: list[Transfer] = field(default_factory=list)
    n_there: int = 0
    n_old: int = 0
    there: list[tuple[RemoteLog, Path]] = field(default_factory=list)
    n_locked: int = 0
    conflicts: list[tuple[Path, str]] = field(default_factory=list)
    nameless: list[RemoteLog] = field(default_factory=list)
    doubles: list[RemoteLog] = field(default_factory=list)
    spent: list[Path] = field(default_factory=list)
    left: list[Path] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """Of all transfers, as the logs lie on the device."""
        return sum(transfer.log.size_bytes for transfer in self.transfers)

    @property
    def notes(self) -> list[str]:
        """Remarks for the user."""
        notes = []
        if self.doubles:
            n_left, path = len(self.doubles), self.doubles[0].path
            notes.append(f"logs that are there twice came once; left there: {n_left}, as {path!r}")
        if self.left:
            path = str(self.left[0])
            notes.append(
                f".part files of logs that it no longer has: {len(self.left)}, as {path!r}"
            )
        return notes


def make_plan(
    listing: Listing,
    folder: Path,
    wanted: WantedLogs,
    *,
    dongle_id: str | None,
    codec: str | None,
) -> Plan:
    """Compare what a device has with what is in a folder.

    Args:
        listing: What it has.
        folder: The folder here, of one folder a dongle.
        wanted: Which of its logs.
        dongle_id: The device's own, for logs whose path names none.
        codec: What to compress with what is not compressed; `zst`, `bz2` or None.
    """
    plan = Plan(n_locked=sum(wanted.admits(log) for log in listing.locked))
    places: set[tuple[Path, str]] = set()
    here = _Here()
    for log in listing.logs:
        if not wanted.admits(log):
            continue
        name = _device_of(log, dongle_id)
        if name is None:
            plan.nameless.append(log)
            continue
        # One file per segment and kind: of a log in two forms, the first of the listing counts.
        target, its_codec = _target_of(log, folder / name, codec)
        others = other_dongle_ids(name, wanted.aliases)
        old_folders = [folder / other / target.parent.name for other in others]
        if (target.parent, log.kind) in places:
            plan.doubles.append(log)
        elif not _settle(plan, log, target, old_folders, here):
            plan.transfers.append(Transfer(log, target, its_codec))
        places.add((target.parent, log.kind))
    # What an incomplete listing lacks may still be on the device.
    if listing.problem is None:
        plan.left = list(_left(listing, folder, dongle_id))
    return plan


def _target_of(log: RemoteLog, folder: Path, codec: str | None) -> tuple[Path, str | None]:
    """The file of a log in its device's folder, and what it is to be compressed with."""
    its_codec = None if log.suffix else codec
    file = f"{log.kind}{f'.{its_codec}' if its_codec else log.suffix}"
    return folder / log.segment / file, its_codec


def _left(listing: Listing, folder: Path, dongle_id: str | None) -> Iterator[Path]:
    """`.part` files of the device whose logs it no longer has."""
    logs = [*listing.logs, *listing.locked]
    there = {(_device_of(log, dongle_id), log.segment, log.kind) for log in logs}
    for name in {dongle_id, *(name for name, _, _ in there)} - {None}:
        for segment in _names_in(folder / str(name)):
            for file in _names_in(folder / str(name) / segment):
                if file in _PARTS and (name, segment, _PARTS[file]) not in there:
                    yield folder / str(name) / segment / file


def _names_in(folder: Path) -> Iterable[str]:
    with suppress(OSError):
        return sorted(path.name for path in folder.iterdir())
    return ()


def _device_of(log: RemoteLog, dongle_id: str | None) -> str | None:
    """The dongle that recorded a log; a folder may have the short form of the device's own."""
    if is_short_for(log.dongle_id, dongle_id):
        return dongle_id
    return log.dongle_id or dongle_id


def _settle(
    plan: Plan, log: RemoteLog, target: Path, old_folders: Sequence[Path], here: _Here
) -> bool:
    """Record a log that is here, or whose name is taken; return whether it was recorded."""
    for folder in (target.parent, *old_folders):
        suffix = _suffix_in(here.files(folder), log)
        if suffix is None:
            continue
        plan.n_there += 1
        plan.n_old += folder != target.parent
        if suffix == log.suffix:
            plan.there.append((log, folder / f"{log.kind}{suffix}"))
        plan.spent += [folder / name for name in here.files(folder) if _PARTS.get(name) == log.kind]
        return True
    if here.is_blocked(target.parent):
        plan.conflicts.append((target, "what has the name of its folder is no folder"))
        return True
    status = here.files(target.parent).get(target.name)
    if status is None:
        return False
    problem = f"has {status.st_size} bytes, {log.path!r} on the device has {log.size_bytes}"
    if target.suffix != log.suffix:  # compressed on the way, so sizes can't be compared
        problem = f"is not from the time of {log.path!r} on the device"
    plan.conflicts.append((target, problem))
    return True


def _suffix_in(files: dict[str, os.stat_result], log: RemoteLog) -> str | None:
    """The suffix that a log has among files: its own if the size is, else one of its time."""
    for suffix in dict.fromkeys((log.suffix, *SUFFIXES)):
        status = files.get(f"{log.kind}{suffix}")
        if status is None or not stat.S_ISREG(status.st_mode):
            continue
        is_same_time = abs(status.st_mtime_ns - log.mtime_ns) < _SAME_TIME_NS
        if status.st_size == log.size_bytes if suffix == log.suffix else is_same_time:
            return suffix
    return None


class _Here:
    """The entries of the local folders; each folder is read once."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, os.stat_result]] = {}
        self._blocked: set[Path] = set()

    def files(self, folder: Path) -> dict[str, os.stat_result]:
        """The entries of a folder by name; a link counts as its target, if that exists."""
        if folder not in self._folders:
            self._folders[folder] = self._look(folder)
        return self._folders[folder]

    def is_blocked(self, folder: Path) -> bool:
        """Whether something else has the name of a folder."""
        self.files(folder)
        return folder in self._blocked

    def _look(self, folder: Path) -> dict[str, os.stat_result]:
        found: dict[str, os.stat_result] = {}
        try:
            with os.scandir(folder) as scan:
                for entry in scan:
                    found[entry.name] = _status(entry)
        except OSError:  # other problems show when a log is written
            if os.path.lexists(folder) and not folder.is_dir():
                self._blocked.add(folder)
        return found


def _status(entry: os.DirEntry[str]) -> os.stat_result:
    try:
        return entry.stat()
    except OSError:  # a link that leads nowhere
        return entry.stat(follow_symlinks=False)
