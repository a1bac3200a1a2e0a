"""Drives whose logs are in folders and not in the database, counted by device."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from engagement.cli import render
from engagement.formats import count, text
from engagement.logs.find import find_logs
from engagement.names import full_dongle_ids
from engagement.store.device_aliases import read_aliases

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from engagement.logs.find import LogFile
    from engagement.store.reader import Reader

WAITING = "n_waiting_drives"


def with_folders(
    reader: Reader, rows: Sequence[dict[str, Any]], folders: Sequence[Path]
) -> list[dict[str, Any]]:
    """Rows of `devices` with how many drives of each wait in folders, and the devices of these."""
    found = find_logs(folders)
    for folder in found.missing:
        render.say(text(f"missing: {folder}"))
    for path, reason in found.unreadable:
        render.say(text(f"{path}: {reason}"))
    n_nameless = sum(log.name.dongle_id is None for log in found.logs)
    if n_nameless:
        render.note(f"{count(n_nameless, 'log')} whose path names no device left out")
    waiting = _count_waiting(reader, found.logs)
    known = {row["dongle_id"] for row in rows}
    names = dict.fromkeys(name for row in rows for name in row)
    others = [dict.fromkeys(names) | {"dongle_id": name} for name in waiting if name not in known]
    merged = [row | {WAITING: waiting[row["dongle_id"]]} for row in [*rows, *others]]
    return sorted(merged, key=lambda row: str(row["dongle_id"]))


def _count_waiting(reader: Reader, logs: Iterable[LogFile]) -> Counter[str]:
    named = {(log.name.dongle_id, log.name.drive) for log in logs if log.name.dongle_id}
    ingested = {
        (row["dongle_id"], row["drive"])
        for row in reader.rows("select dongle_id, drive from drives where not is_imported")
    }
    devices = reader.rows("select distinct dongle_id from drives")
    known = {row["dongle_id"] for row in devices} | {device for device, _ in named if device}
    full = full_dongle_ids(known, read_aliases(reader.connection))
    drives = {(full.get(device or "", device or ""), drive) for device, drive in named}
    return Counter(device for device, _ in drives - ingested)
