"""What a device has and what is here, to what has to come."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Literal

from engagement.collect.transfer import Transfer
from engagement.names import drive_started_at

if TYPE_CHECKING:
    from pathlib import Path

    from engagement.collect.device import Listing, RemoteLog

Kind = Literal["rlog", "qlog", "both"]

_SUFFIXES = ("", ".bz2", ".zst")
_OLD_LENGTH = 8  # of the dongle ids that older systems name folders by
_SAME_TIME_NS = 2 * 10**9  # the coarsest that file systems keep


@dataclass(frozen=True, slots=True)
class Selection:
    """Which logs are wanted; days are inclusive, None admits all.

    The day is the one in the drive's name; for those that have none, the day of the file here.
    """

    kind: Kind = "rlog"
    drive: str | None = None
    since: date | None = None
    until: date | None = None

    def admits(self, log: RemoteLog) -> bool:
        """Whether a log is wanted."""
        if self.kind not in (log.kind, "both") or self.drive not in (log.drive, None):
            return False
        day = _day(log)
        return not ((self.since and day < self.since) or (self.until and day > self.until))


def _day(log: RemoteLog) -> date:
    started_at = drive_started_at(log.drive)
    if started_at:
        return started_at.date()
    return datetime.fromtimestamp(log.mtime_ns / 1e9, UTC).astimezone().date()


@dataclass(slots=True)
class Plan:
    """What is to be done about a device's logs.

    Attributes:
        transfers: What has to come, oldest first.
        n_there: Logs that are here already.
        n_old: Those of them in a folder named by the first 8 characters of the dongle id.
        n_locked: Logs that are still being written.
        conflicts: Files that are here and differ, each with how.
        nameless: Logs of no known device.
    """

    transfers: list[Transfer] = field(default_factory=list)
    n_there: int = 0
    n_old: int = 0
    n_locked: int = 0
    conflicts: list[tuple[Path, str]] = field(default_factory=list)
    nameless: list[RemoteLog] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """Of all transfers, as the logs lie on the device."""
        return sum(transfer.log.size_bytes for transfer in self.transfers)


def make_plan(
    listing: Listing,
    folder: Path,
    selection: Selection,
    *,
    dongle_id: str | None,
    codec: str | None,
) -> Plan:
    """Compare what a device has with what is in a folder.

    Args:
        listing: What it has.
        folder: The folder here, of one folder a dongle.
        selection: What is wanted of it.
        dongle_id: The device's own, for logs whose path names none.
        codec: What to compress with what is not compressed; `zst`, `bz2` or None.
    """
    plan = Plan(n_locked=sum(selection.admits(log) for log in listing.locked))
    targets: set[Path] = set()
    here = _Here()
    for log in listing.logs:
        if not selection.admits(log):
            continue
        name = _device_of(log, dongle_id)
        if name is None:
            plan.nameless.append(log)
            continue
        its_codec = None if log.suffix else codec
        file = f"{log.kind}{f'.{its_codec}' if its_codec else log.suffix}"
        segment = f"{log.drive}--{log.segment_num}"
        target = folder / name / segment / file
        old_folder = folder / name[:_OLD_LENGTH] / segment
        if target not in targets and not _settle(plan, log, target, old_folder, here):
            plan.transfers.append(Transfer(log, target, its_codec))
        targets.add(target)
    return plan


def _device_of(log: RemoteLog, dongle_id: str | None) -> str | None:
    """The dongle that recorded a log; a folder may have the short form of the device's own."""
    if log.dongle_id and dongle_id and dongle_id.startswith(log.dongle_id):
        return dongle_id
    return log.dongle_id or dongle_id


def _settle(plan: Plan, log: RemoteLog, target: Path, old_folder: Path, here: _Here) -> bool:
    """Take note of a log that is here, or whose name is taken; say whether that is so."""
    for folder in dict.fromkeys((target.parent, old_folder)):
        if _is_in(here.files(folder), log):
            plan.n_there += 1
            plan.n_old += folder != target.parent
            return True
    status = here.files(target.parent).get(target.name)
    if status is None:
        return False
    problem = f"has {status.st_size} bytes, {log.path!r} on the device has {log.size_bytes}"
    if target.suffix != log.suffix:  # compressed on its way, so sizes say nothing
        problem = f"is not from the time of {log.path!r} on the device"
    plan.conflicts.append((target, problem))
    return True


def _is_in(files: dict[str, os.stat_result], log: RemoteLog) -> bool:
    """Whether a log is among files: of its size, or in another compression, of its time."""
    for suffix in _SUFFIXES:
        status = files.get(f"{log.kind}{suffix}")
        if status is None:
            continue
        is_same_time = abs(status.st_mtime_ns - log.mtime_ns) < _SAME_TIME_NS
        if status.st_size == log.size_bytes if suffix == log.suffix else is_same_time:
            return True
    return False


class _Here:
    """What is in the folders here; each is looked at once."""

    def __init__(self) -> None:
        self._folders: dict[Path, dict[str, os.stat_result]] = {}

    def files(self, folder: Path) -> dict[str, os.stat_result]:
        """What is in a folder, by name; a link counts as what it leads to, if that exists."""
        found = self._folders.get(folder)
        if found is None:
            found = self._folders[folder] = _look(folder)
        return found


def _look(folder: Path) -> dict[str, os.stat_result]:
    found = {}
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as scan:
        for entry in scan:
            try:
                found[entry.name] = entry.stat()
            except FileNotFoundError:
                found[entry.name] = entry.stat(follow_symlinks=False)
    return found
