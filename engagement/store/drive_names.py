"""Drives by their names: NAME where one device alone has it, DEVICE|NAME, or DEVICE/NAME."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engagement.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from engagement.store.reader import Reader

_SHOWN = 5
_MAX_DIGITS = 9


@dataclass(frozen=True, slots=True)
class NamedDrive:
    """A drive of a database: its number there, and its name."""

    drive_id: int
    dongle_id: str
    drive: str

    def __str__(self) -> str:
        return f"{self.dongle_id}|{self.drive}"


@dataclass(slots=True)
class DriveNames:
    """Drives by their names and numbers."""

    by_name: dict[str, list[NamedDrive]] = field(default_factory=dict)
    by_number: dict[int, NamedDrive] = field(default_factory=dict)

    def add(self, drive: NamedDrive) -> None:
        """Take note of a drive."""
        self.by_name.setdefault(drive.drive, []).append(drive)
        self.by_number[drive.drive_id] = drive

    def find(self, name: str) -> NamedDrive:
        """The drive of a whole name, as DEVICE|NAME too, or of a number.

        Raises:
            NotFoundError: If there is none.
            InputError: If there are several.
        """
        device, drive = _parts(name)
        alike = [one for one in self.by_name.get(drive, ()) if device in ("", one.dongle_id)]
        if name.isascii() and name.isdecimal() and len(name) <= _MAX_DIGITS:
            numbered = self.by_number.get(int(name))
            alike += [numbered] if numbered and numbered not in alike else []
        return _only(name, alike)

    def find_typed(self, name: str) -> NamedDrive:
        """The drive of a name as somebody types it: the start of device and name is enough.

        Raises:
            NotFoundError: If there is none; the nearest one is suggested.
            InputError: If there are several.
        """
        device, drive = _parts(name)
        of_device = [
            one for one in self.by_number.values() if one.dongle_id.startswith(device.lower())
        ]
        alike = [one for one in of_device if one.drive == drive]
        if not alike and drive:
            alike = [one for one in of_device if one.drive.startswith(drive)]
        return _only(name, alike, self.by_name)


def find_drive(reader: Reader, name: str) -> NamedDrive:
    """The drive of a database that somebody names, see `DriveNames.find_typed`."""
    names = DriveNames()
    for row in reader.rows("select drive_id, dongle_id, drive from drives order by all"):
        names.add(NamedDrive(**row))
    return names.find_typed(name)


def some_names(names: list[str], noun: str) -> str:
    """A few names, and how many there are."""
    left = len(names) - _SHOWN
    shown = ", ".join(names[:_SHOWN])
    return f"{len(names)} {noun}: {shown}{f' and {left} more' if left > 0 else ''}"


def _parts(name: str) -> tuple[str, str]:
    device, _, drive = name.replace("/", "|").rpartition("|")
    return device, drive


def _only(name: str, alike: list[NamedDrive], known: Iterable[str] = ()) -> NamedDrive:
    if not alike:
        raise NotFoundError("drive", name, known)
    if len(alike) > 1:
        names = some_names(sorted(map(str, alike)), "drives")
        raise InputError(f"{name!r} is the name of {names}; write it as DEVICE|DRIVE")
    return alike[0]
