"""The four files of the old system, built from the views of one generation of the database.

An imported drive's entry is written as it was read, keys that nothing knows included.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from engagement.errors import InputError, NotFoundError
from engagement.legacy import json_files
from engagement.legacy.newest import newest_entries
from engagement.names import parse_dongle_id, starting_so

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from engagement.store.reader import Reader


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file that was written, and the number of entries (of drives, by engagement_stats)."""

    path: Path
    n_entries: int


@dataclass(frozen=True, slots=True)
class Form:
    """What the documents are to hold.

    Attributes:
        is_exact: The old system's numbers also where the flag that it read is dead, so 0 engaged.
        schema: Version of the entries of ingested drives.
    """

    is_exact: bool = False
    schema: Literal[1, 3] = 1


OLD = Form()


def write_legacy_files(
    reader: Reader, folder: Path, *, device: str | None = None, form: Form = OLD
) -> list[WrittenFile]:
    """Write all four files into a folder, each replaced in one step.

    Raises:
        NotFoundError: If the database has no such device.
        InputError: If several devices start like this.
        OSError: If a file can't be written.
    """
    documents = {
        name: legacy_document(reader, name, device=device, form=form) for name in LEGACY_FILES
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in documents.items():
        json_files.write_json_atomically(folder / name, document)
    return [
        WrittenFile(folder / name, count_entries(document)) for name, document in documents.items()
    ]


def legacy_document(
    reader: Reader, name: str, *, device: str | None = None, form: Form = OLD
) -> Any:
    """One of the four documents, for all devices or the one whose name is or starts like `device`.

    Raises:
        NotFoundError: If the database has no such device, or the old system no such file.
        InputError: If several devices start like this.
    """
    if name not in LEGACY_FILES:
        raise NotFoundError("legacy file", name, LEGACY_FILES)
    device_id = None if device is None else _known_device(reader, device)
    return LEGACY_FILES[name](reader, device_id, form)


def count_entries(document: Any) -> int:
    """Number of entries of a document; drives, where it maps hosts to them."""
    if isinstance(document, dict):
        return sum(len(drives) for drives in document.values())
    return len(document)


def _known_device(reader: Reader, device: str) -> str:
    device_id = parse_dongle_id(device) or device
    rows = reader.rows(
        "select device_id from legacy_engagement_db union select device_id from legacy_debug_events"
        " union select dongle_id from log.drive"
    )
    known: set[str] = {row["device_id"] for row in rows} - {None}
    matching = starting_so(device_id, known)
    if not matching:
        raise NotFoundError("device", device, known)
    if len(matching) > 1:
        raise InputError(f"device {device!r} is the start of {', '.join(matching)}")
    return matching[0]


def _rows(
    reader: Reader, view: str, device_id: str | None, order: str, column: str = "device_id"
) -> list[dict[str, Any]]:
    condition = f"where {column} = ?" if device_id is not None else ""
    parameters = [] if device_id is None else [device_id]
    return reader.rows(
        f"select * from {view} {condition} order by {column}, drive, {order}", parameters
    )


def _numbers(reader: Reader, device_id: str | None, form: Form) -> list[dict[str, Any]]:
    rows = _rows(reader, "legacy_engagement_db", device_id, "drive_id")
    return list(map(json_files.exact, rows)) if form.is_exact else rows


def _engagement_db(reader: Reader, device_id: str | None, form: Form) -> list[json_files.Entry]:
    imported = {
        row["drive_id"]: row["entry"]
        for row in reader.rows("select drive_id, entry from staging.imported_drives")
    }
    numbers = _numbers(reader, device_id, form)
    ingested = [row for row in numbers if not row["is_imported"]]
    if form.schema == 1:
        entries = {row["drive_id"]: json_files.engagement_db_entry(row) for row in ingested}
    else:
        drive_ids = [row["drive_id"] for row in ingested]
        entries = newest_entries(reader, drive_ids, is_exact=form.is_exact)
    return [
        json.loads(imported[row["drive_id"]]) if row["is_imported"] else entries[row["drive_id"]]
        for row in numbers
    ]


def _debug_events(reader: Reader, device_id: str | None, form: Form) -> list[json_files.Entry]:
    events = "legacy_debug_events"
    if form.is_exact:
        events = (
            f"(from {events} anti join (from legacy_engagement_db "
            "where active_source = 'selfdriveState') using (drive_id))"
        )
    rows = _rows(reader, events, device_id, "event_num")
    return [json_files.debug_event(row) for row in rows]


def _processed_drives(reader: Reader, device_id: str | None, _form: Form) -> list[str]:
    rows = _rows(reader, "segments", device_id, "segment_num", column="dongle_id")
    return json_files.processed_drives(row for row in rows if row["status"] != "failed")


def _engagement_stats(
    reader: Reader, device_id: str | None, form: Form
) -> dict[str, dict[str, dict[str, int]]]:
    rows = _numbers(reader, device_id, form)
    return json_files.engagement_stats(row for row in rows if row["total_time"] is not None)


LEGACY_FILES: dict[str, Callable[[Reader, str | None, Form], Any]] = {
    "engagement_db.json": _engagement_db,
    "debug_events.json": _debug_events,
    "processed_drives.json": _processed_drives,
    "engagement_stats.json": _engagement_stats,
}
