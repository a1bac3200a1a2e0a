"""Databases that lack what most have, made from a usual one or from nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from engagement.legacy.imports import import_files
from engagement.store.database_writer import Writer, writer_lock
from engagement.store.ingestion import recompute
from tests.builders import insert, merge, random_drive
from tests.older import write_older
from tests.unsound_drives import sound_drive

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_OLD = Path(__file__).parents[1] / "data" / "legacy" / "engagement_db.json"
_SPARSE = [
    {"device_id": "0000aaaa", "drive": "no date at all"},
    {"device_id": "0000aaaa", "drive": "2025-02-30--10-00-00", "odo_distance": 10.1},
    {"device_id": "0000bbbb", "drive": "7", "interventions_per_100km": None},
]
_OFF = (
    "update log.controls_state set enabled = false, active = false",
    "update log.selfdrive_state set enabled = false, active = false",
    "update log.car_control set enabled = false, lat_active = false, long_active = false",
    "update log.car_state set cruise_enabled = false",
    "delete from log.car_event",
)
_LOGGED = (
    "controls_state", "selfdrive_state", "alert", "car_state", "car_control", "car_event",
    "button_event", "gps", "lead", "clock", "ignition", "lane_change", "can_signal",
)  # fmt: skip
_ONE = "delete from log.{} where drive_id <> 1"
# What is changed of a usual database, by what it is called then.
CHANGED: Mapping[str, Sequence[str]] = {
    "without clocks, nowhere": [
        "delete from log.clock", "update log.gps set unix_ms = null, latitude = 0, longitude = 0",
    ],
    "one drive that is never engaged": [
        *_OFF, *(_ONE.format(table) for table in ("drive", "segment", *_LOGGED)),
    ],
    "of a car that stands, without positions": [
        "update log.car_state set v_ego_mps = 0, standstill = true", "delete from log.can_signal",
        "delete from log.gps",
    ],
    "without states": ["delete from log.controls_state", "delete from log.selfdrive_state"],
    "without the car": [
        "delete from log.car_params", "delete from log.init_data", "delete from log.param",
        "delete from log.car_state", "delete from log.car_control",
    ],
    "with no message but one": [
        *(f"delete from log.{table} where message_num > 0 or segment_num > 0" for table in _LOGGED),
        *(f"delete from log.{table} where rowid > 0" for table in _LOGGED),
    ],
    "with failed logs alone": [
        "update log.segment set status = 'failed', damage = 'all', n_messages = 0",
        "update log.segment set start_mono_ns = null, end_mono_ns = null",
        *(f"delete from log.{table}" for table in ("init_data", "car_params", "param", *_LOGGED)),
    ],
}  # fmt: skip
NAMES = ("of nothing", "of imported drives", "of both", "of definitions 1", *CHANGED)


def make_empty(path: Path) -> None:
    """Write a database of nothing."""
    with writer_lock(path), Writer(path) as writer:
        writer.publish()


def make_usual(path: Path) -> None:
    """Write into an empty database three short drives, one of them steady."""
    drives = [sound_drive(1), random_drive(Random(1), 2, is_whole=True), random_drive(Random(2), 3)]
    with writer_lock(path), Writer(path) as writer:
        insert(writer.connection, merge(drives))
        writer.publish()
    recompute(path)


def make(name: str, empty: Path, usual: Path, path: Path) -> None:
    """Write the database of a name."""
    if name == "of definitions 1":
        write_older(path)
        return
    shutil.copyfile(empty if name in ("of nothing", "of imported drives") else usual, path)
    if name in ("of imported drives", "of both"):
        import_entries(path, _entries())
    elif name in CHANGED:
        with writer_lock(path), Writer(path) as writer:
            for statement in CHANGED[name]:
                writer.connection.execute(statement)
            writer.publish()
        recompute(path)


def _entries() -> list[Mapping[str, Any]]:
    """Drives of an old file, the first and the last of which lack most."""
    return [_SPARSE[0], *json.loads(_OLD.read_text()), *_SPARSE[1:]]


def import_entries(path: Path, entries: Sequence[Mapping[str, Any]]) -> None:
    """Import drives as the old system knew them."""
    old = path.with_suffix(".json")
    old.write_text(json.dumps(entries))
    import_files(path, [old])
