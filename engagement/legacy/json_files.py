"""The four JSON files of the old system, read and written to the byte as it did.

Reading takes whatever is in a file that claims to be `engagement_db.json` or `debug_events.json`:
every entry is checked against the types below before anything else sees it, and keys that nothing
knows pass through. Writing takes rows of the legacy views, whose columns have the old names,
and gives documents with the keys in the old order.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec

from engagement.errors import ConfigError
from engagement.files import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

FileKind = Literal["engagement_db", "debug_events"]
Entry = dict[str, Any]
_Kind = TypeVar("_Kind")

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]
Int64 = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]

BUCKET_LABELS = {
    "city": "City (≤55 km/h)",
    "road": "Road (55-90 km/h)",
    "highway": "Highway (≥90 km/h)",
}
BUCKET_FIELDS = (
    "time_min",
    "engaged_time_min",
    "distance_km",
    "engaged_distance_km",
    "engagement_pct",
    "time_ns",
    "engaged_time_ns",
    "distance_km_raw",
    "engaged_distance_km_raw",
)
FIELDS_BEFORE_BUCKETS = (
    "device_id",
    "host",
    "drive",
    "total_time",
    "active_time",
    "drive_time",
    "drive_time_active",
    "cruise_press_time_ns",
    "cruise_press_seconds",
    "cruise_press_seconds_per_hour",
    "engagement_pct",
    "drive_time_engagement_pct",
    "engagement_pct_odo",
    "odo_distance",
    "engaged_distance",
    "interventions_per_100km",
    "total_state_changes",
    "intervention_count",
    "steer_intervention_count",
    "steer_interventions_per_100km",
    "openpilot_longitudinal",
    "car_fingerprint",
    "device_type",
)
FIELDS_LEFT_OUT_WHERE_NULL = {
    "version": "version",
    "git_branch": "git_branch",
    "git_commit": "git_commit",
    "deviceType": "device_type",
}
_OF_ENGAGED = (
    "active_time",
    "drive_time_active",
    "engagement_pct",
    "drive_time_engagement_pct",
    "engagement_pct_odo",
    "engaged_distance",
    "interventions_per_100km",
    "total_state_changes",
    "intervention_count",
    "steer_intervention_count",
    "steer_interventions_per_100km",
    *(f"{key}_{name}" for key in BUCKET_LABELS for name in BUCKET_FIELDS if "engage" in name),
)
EVENT_FIELDS = ("drive", "rlog_path", "event_type", "time_in_segment_s", "reason")
REMOTE_LOG = "/data/media/0/realdata/{folder}/rlog.bz2"


class _Counts(msgspec.Struct, frozen=True, kw_only=True):
    """What is counted of a drive and of each of its speed_buckets."""

    engagement_pct: float | None = None
    drive_time_engagement_pct: float | None = None
    intervention_count: Int64 | None = None
    interventions_per_100km: float | None = None
    steer_intervention_count: Int64 | None = None
    steer_interventions_per_100km: float | None = None
    raw_disengagement_count: Int64 | None = None
    disengagement_count: Int64 | None = None
    disengagements_per_100km: float | None = None
    disengagements_per_drive_hour: float | None = None


class _Bucket(_Counts, frozen=True, kw_only=True):
    """One of an entry's speed_buckets."""

    label: str | None = None
    time_min: float | None = None
    engaged_time_min: float | None = None
    distance_km: float | None = None
    engaged_distance_km: float | None = None
    time_ns: Int64 | None = None
    engaged_time_ns: Int64 | None = None
    distance_km_raw: float | None = None
    engaged_distance_km_raw: float | None = None
    min_speed_mps: float | None = None
    max_speed_mps: float | None = None
    drive_time_ns: Int64 | None = None
    engaged_drive_time_ns: Int64 | None = None
    distance_engagement_pct: float | None = None
    manual_shutdown_removed: Int64 | None = None


class _Corrections(msgspec.Struct, frozen=True):
    """How an entry's disengagements were corrected."""

    version: Int64 | None = None
    raw_count: Int64 | None = None
    corrected_count: Int64 | None = None
    manual_shutdown_removed: Int64 | None = None


class _DriveEntry(_Counts, frozen=True, kw_only=True):
    """An entry of engagement_db.json, of any version; none has all fields."""

    device_id: Name
    drive: Name
    host: str | None = None
    total_time: Int64 | None = None
    active_time: Int64 | None = None
    drive_time: Int64 | None = None
    drive_time_active: Int64 | None = None
    cruise_press_time_ns: Int64 | None = None
    cruise_press_seconds: float | None = None
    cruise_press_seconds_per_hour: float | None = None
    engagement_pct_odo: float | None = None
    odo_distance: float | None = None
    engaged_distance: float | None = None
    total_state_changes: Int64 | None = None
    openpilot_longitudinal: bool | None = None
    car_fingerprint: str | None = None
    device_type: str | None = None
    speed_buckets: dict[str, _Bucket] | None = None
    recorded_at: str | None = None
    version: str | None = None
    git_branch: str | None = None
    git_commit: str | None = None
    deviceType: str | None = None  # noqa: N815 - the old key
    schema_version: Int64 | None = None
    segment_count: Int64 | None = None
    vehicle_profile: str | None = None
    car_name: str | None = None
    distance_source: str | None = None
    steer_intervention_source: str | None = None
    steering_mode: str | None = None
    disengagement_corrections: _Corrections | None = None
    speed_bucket_version: Int64 | None = None
    git_commit_date: str | None = None
    git_dirty: bool | None = None
    generated_at: str | None = None


class _DebugEvent(msgspec.Struct, frozen=True):
    """An entry of debug_events.json."""

    drive: Name
    rlog_path: Name
    event_type: Name
    time_in_segment_s: float
    reason: str


def read_legacy_file(path: Path) -> tuple[FileKind, list[Entry]]:
    """Tell by the first entry which of the two files `path` is, and read it; an empty list is a db.

    Raises:
        ConfigError: If it is neither, or an entry is not what its kind of file holds.
    """
    entries = _read_list(path)
    if not entries or (isinstance(entries[0], dict) and "device_id" in entries[0]):
        return "engagement_db", _checked_drives(path, entries)
    if isinstance(entries[0], dict) and "event_type" in entries[0]:
        return "debug_events", _checked_events(path, entries)
    raise ConfigError(
        path,
        "neither a drive of engagement_db.json (it has no device_id) nor an event of "
        "debug_events.json (it has no event_type)",
        where="entry 1",
    )


def read_engagement_db(path: Path) -> list[Entry]:
    """Read the drives of an engagement_db.json; of entries for one drive, the last one counts.

    Raises:
        ConfigError: If the file or an entry is malformed; entries are numbered from 1.
    """
    return _checked_drives(path, _read_list(path))


def read_debug_events(path: Path) -> list[Entry]:
    """Read the events of a debug_events.json, each once however often it was appended.

    Raises:
        ConfigError: If the file or an entry is malformed; entries are numbered from 1.
    """
    return _checked_events(path, _read_list(path))


def write_json_atomically(path: Path, document: object) -> None:
    """Replace the file at `path` in one step, formatted as the old system did; links are followed.

    The file keeps its permissions. Readers see the old content or the new, never a part of it.
    """
    content = json.dumps(document, indent=2).encode()
    with replacing(path) as file:
        file.write(content)


def engagement_db_entry(row: Mapping[str, Any]) -> Entry:
    """The entry of engagement_db.json of a row of the view legacy_engagement_db.

    The row has a column per field, and per bucket one as `city_time_ns`. A value that JSON can't
    hold (a log may give a speed that is no number) is written as null.
    """
    entry: Entry = {name: _finite(row[name]) for name in FIELDS_BEFORE_BUCKETS}
    entry["speed_buckets"] = {
        key: {"label": label, **_bucket(row, key)} for key, label in BUCKET_LABELS.items()
    }
    entry["recorded_at"] = row["recorded_at"]
    for name, column in FIELDS_LEFT_OUT_WHERE_NULL.items():
        if row[column] is not None:
            entry[name] = row[column]
    return entry


def exact(row: dict[str, Any]) -> dict[str, Any]:
    """A row of legacy_engagement_db as the old system gave it: not engaged where its flag is dead.

    What is unknown stays so: whether it is does not depend on the flag.
    """
    if row.get("active_source") != "selfdriveState":
        return row
    known = {name: row[name] for name in _OF_ENGAGED if row[name] is not None}
    return row | {name: type(value)(0) for name, value in known.items()}


def debug_event(row: Mapping[str, Any]) -> Entry:
    """The entry of debug_events.json of a row of the view legacy_debug_events."""
    return {name: _finite(row[name]) for name in EVENT_FIELDS}


def processed_drives(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The document processed_drives.json of rows with `drive` and `segment_num`, each path once."""
    folders = dict.fromkeys(f"{row['drive']}--{row['segment_num']}" for row in rows)
    return [REMOTE_LOG.format(folder=folder) for folder in folders]


def engagement_stats(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, dict[str, int]]]:
    """The document engagement_stats.json of rows with host, drive, total_time and active_time."""
    stats: dict[str, dict[str, dict[str, int]]] = {}
    for row in rows:
        drives = stats.setdefault(row["host"], {})
        drives[row["drive"]] = {
            "total_time": row["total_time"],
            "active_time": row["active_time"],
        }
    return stats


def _bucket(row: Mapping[str, Any], key: str) -> Entry:
    return {name: _finite(row[f"{key}_{name}"]) for name in BUCKET_FIELDS}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _read_list(path: Path) -> list[Any]:
    try:
        document = msgspec.json.decode(path.read_bytes())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(path, f"this is not JSON that can be read: {error}") from error
    except RecursionError as error:
        raise ConfigError(path, "the JSON is nested too deeply") from error
    if not isinstance(document, list):
        raise ConfigError(path, "a list of entries is expected, as in engagement_db.json")
    return document


def checked_drive(where: Path | str, number: int, entry: object) -> tuple[str, str]:
    """The device and drive of an entry whose fields have their types.

    Args:
        where: What it is from, for messages.
        number: Its place there, from 1 on.
        entry: The entry.

    Raises:
        ConfigError: If a field is missing, or of another type.
    """
    checked = _checked(where, number, entry, _DriveEntry)
    return checked.device_id, checked.drive


def _checked_drives(path: Path, entries: list[Any]) -> list[Entry]:
    drives: dict[tuple[str, str], Entry] = {}
    for number, entry in enumerate(entries, start=1):
        drives[checked_drive(path, number, entry)] = entry
    return list(drives.values())


def _checked_events(path: Path, entries: list[Any]) -> list[Entry]:
    events: dict[_DebugEvent, Entry] = {}
    for number, entry in enumerate(entries, start=1):
        events.setdefault(_checked(path, number, entry, _DebugEvent), entry)
    return list(events.values())


def _checked(path: Path | str, number: int, entry: object, kind: type[_Kind]) -> _Kind:
    try:
        return msgspec.convert(entry, kind)
    except msgspec.ValidationError as error:
        problem, _, place = str(error).partition(" - at `$.")
        key = f", key {place.rstrip('`')!r}" if place else ""
        raise ConfigError(path, problem, where=f"entry {number}{key}") from error
