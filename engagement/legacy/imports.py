"""Old `engagement_db.json` and `debug_events.json` files, read and handed to the store.

A file that can't be used is reported and the others are imported all the same.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from engagement.errors import ConfigError, reason_of
from engagement.legacy.json_files import EVENT_FIELDS, Entry, read_legacy_file
from engagement.names import parse_dongle_id
from engagement.store.imported_entries import OldDrive, OldEvent, import_entries
from engagement.store.segments import stored_path

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

# The old files nest three levels deep. A writer of indented JSON needs stack for every level.
_MAX_DEPTH = 50


@dataclass(frozen=True, slots=True)
class BadFile:
    """A file that could not be imported."""

    path: str
    problem: str


@dataclass(slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        n_files: Files that could be read.
        n_drives: Drives in them, and `n_drives_written` those new or changed.
        n_events: Debug events in them, and `n_events_written` those new.
        n_duplicates: Entries for a drive that has a later one, and events met before.
        n_drives_superseded: Drives that do not show because a log of theirs is ingested.
        n_events_superseded: Likewise, events.
        problems: Files left out.
    """

    n_files: int = 0
    n_drives: int = 0
    n_drives_written: int = 0
    n_drives_superseded: int = 0
    n_events: int = 0
    n_events_written: int = 0
    n_events_superseded: int = 0
    n_duplicates: int = 0
    problems: list[BadFile] = field(default_factory=list)


def import_files(database: Path, paths: Sequence[Path]) -> ImportReport:
    """Import old files, in their order; of two entries for a drive the later one counts.

    Without a file that can be read, the database is not touched.

    Raises:
        StoreError: If the database can't be written.
    """
    report = ImportReport()
    drives: dict[tuple[str, str], OldDrive] = {}
    events: dict[OldEvent, None] = {}
    n_entries = 0
    for path in paths:
        try:
            n_entries += _read(path, drives, events)
            report.n_files += 1
        except ConfigError as error:
            problem = f"{error.where}: {error.problem}" if error.where else error.problem
            report.problems.append(BadFile(stored_path(path), problem))
        except OSError as error:
            report.problems.append(BadFile(stored_path(path), reason_of(error)))
    report.n_drives, report.n_events = len(drives), len(events)
    report.n_duplicates = n_entries - len(drives) - len(events)
    if drives or events:
        counts = import_entries(database, drives.values(), events)
        report.n_drives_written = counts.n_drives_written
        report.n_drives_superseded = counts.n_drives_superseded
        report.n_events_written = counts.n_events_written
        report.n_events_superseded = counts.n_events_superseded
    return report


def _read(path: Path, drives: dict[tuple[str, str], OldDrive], events: dict[OldEvent, None]) -> int:
    """Add a file's entries to those of the files before, and count them, repeated ones too."""
    kind, entries = read_legacy_file(path)
    n_entries = len(msgspec.json.decode(path.read_bytes(), type=list[msgspec.Raw]))
    if kind == "debug_events":
        for entry in entries:
            events.setdefault(_old_event(entry))
        return n_entries
    found = [old_drive(path, entry) for entry in entries]
    for drive in found:
        drives[drive.dongle_id, drive.drive] = drive
    return n_entries


def old_drive(source: Path | str, entry: Entry) -> OldDrive:
    """An entry as the store takes it; `source` is the file or the server that it is from.

    Raises:
        ConfigError: If it is nested too deeply to be written again.
    """
    if _is_deeper(entry, _MAX_DEPTH):
        raise ConfigError(
            source, "the JSON is nested too deeply", where=f"drive {entry['drive']!r}"
        )
    device = entry["device_id"]
    return OldDrive(
        dongle_id=parse_dongle_id(device) or device,
        drive=entry["drive"],
        entry=json.dumps(entry),
        source_path=source if isinstance(source, str) else stored_path(source),
    )


def _old_event(entry: Entry) -> OldEvent:
    drive, rlog_path, event_type, time_in_segment_s, reason = (entry[key] for key in EVENT_FIELDS)
    return OldEvent(drive, rlog_path, event_type, float(time_in_segment_s), reason)


def _is_deeper(value: object, n_levels: int) -> bool:
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, list):
        inner = value
    else:
        return False
    return n_levels == 0 or any(_is_deeper(item, n_levels - 1) for item in inner)
