"""Events, with what is needed to use them, without who drove and where they live.

What is exported is listed here, column by column: a column that a view gets later is not. Numbers
of the drive, names of openpilot's own and words of config/ pass; every name of a device, drive,
branch or commit becomes a pseudonym; whatever somebody could have written stays behind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from engagement.export.places import is_position
from engagement.export.tables import check_out, write_tables
from engagement.store.label_words import shipped_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from engagement.export.places import Place
    from engagement.export.pseudonyms import Pseudonyms
    from engagement.export.tables import Format
    from engagement.store.reader import Reader

Times = Literal["shift", "keep", "none"]

_EVENTS = (
    "kind", "engagement_num", "time_s", "segment_num", "segment_time_s", "duration_s", "cause",
    "cause_event", "is_counted", "is_inferred", "is_intervention", "is_critical", "is_planned",
    "severity", "speed_mps", "lead_distance_m", "closing_speed_mps", "ttc_s", "thw_s",
    "drac_mps2", "min_ttc_s", "min_thw_s", "max_drac_mps2", "has_fcw", "has_aeb",
    "peak_deceleration_mps2", "peak_jerk_mps3", "peak_steering_rate_deg_per_s",
    "peak_lateral_acceleration_mps2", "time_to_input_s", "time_to_reengage_s", "log_kind",
)  # fmt: skip
_DRIVES = (
    "openpilot_longitudinal", "longitudinal_source", "is_imported", "n_segments",
    "n_missing_segments", "log_kind", "duration_s", "known_s", "coverage", "moving_s", "engaged_s",
    "moving_engaged_s", "lateral_only_s", "longitudinal_s", "distance_km", "known_km",
    "engaged_km", "engaged_fraction", "moving_engaged_fraction", "distance_engaged_fraction",
    "n_engagements", "n_disengagements", "n_disengagements_counted", "n_lateral_overrides",
    "n_longitudinal_overrides", "n_interventions", "interventions_per_100km",
    "disengagements_counted_per_100km",
)  # fmt: skip
_SEGMENTS = (
    "segment_num", "log_kind", "codec", "status", "n_messages", "n_damaged_messages", "start_s",
    "end_s",
)  # fmt: skip
_LABELS = ("kind", "time_s")
_TABLES = ("events", "drives", "segments", "labels")

# What somebody called a moment is a word of his own.
_OF_EVENTS = """
select events.* from events semi join drives on events.drive_id = drives.drive_id
where not is_saved_moment(events.kind)
"""
_OF_DRIVES = "from drives"
_OF_SEGMENTS = """
select
    segments.*,
    (start_mono_ns - min(start_mono_ns) over (partition by drive_id)) / 1e9 as start_s,
    (end_mono_ns - min(start_mono_ns) over (partition by drive_id)) / 1e9 as end_s
from segments semi join drives on segments.drive_id = drives.drive_id
"""

_FORKS = {"openpilot", "sunnypilot", "frogpilot"}
DEVICE_TYPES = {"neo", "chffrAndroid", "chffrIos", "tici", "tizi", "mici", "pc"}
VERSION = re.compile(r"\d{1,4}(?:\.\d{1,4}){1,3}")
CAR = re.compile(r"[A-Z][A-Za-z0-9 _.,&/+()'-]{1,59}")
# A vehicle's number, a dongle id, or any other that is long.
_NUMBER = re.compile(r"[A-Za-z0-9]*[0-9][A-Za-z0-9]*")
_MAX_NUMBER = 11


@dataclass(frozen=True, slots=True)
class Redaction:
    """What to hide.

    Attributes:
        pseudonyms: Names of devices, drives, branches and commits.
        places: Around which positions are cut off; None leaves no position at all.
        times: Of starts of drives: shifted, kept, or none.
        ends: More places, found where drives begin and end.
    """

    pseudonyms: Pseudonyms
    places: Sequence[Place] | None
    times: Times = "shift"
    ends: Sequence[Place] = ()

    def shows(self, latitude: float | None, longitude: float | None) -> bool:
        """Whether there is a position, and others may know it."""
        if self.places is None or latitude is None or longitude is None:
            return False
        if not is_position(latitude, longitude):
            return False
        return not any(place.holds(latitude, longitude) for place in (*self.places, *self.ends))


@dataclass(frozen=True, slots=True)
class RedactionReport:
    """What was written.

    Attributes:
        n_rows: Rows of each table.
        n_positions: Events with a position.
        n_cut: Events that lost theirs.
        idle_places: Which of the given places cut nothing off, as one does whose degrees were
            swapped: their numbers, from 1, as the places themselves are private.
        other_files: What else lies in the folder, and is not redacted.
    """

    n_rows: dict[str, int]
    n_positions: int
    n_cut: int
    idle_places: list[int]
    other_files: list[str]


def write_redacted(
    reader: Reader, redaction: Redaction, out: Path, kind: Format
) -> RedactionReport:
    """Write events, drives, segments and labels: one JSON file, or a folder of CSV or Parquet.

    `drives` is what the reader was narrowed to.

    Raises:
        InputError: If a file is in the folder's place, or a folder in the file's.
        StoreError: If the database can't be read.
        OSError: If the files can't be written.
    """
    check_out(out, kind, _TABLES)
    found = reader.table(_OF_EVENTS)
    tables = {
        "events": _events(found, redaction),
        "drives": _drives(reader.table(_OF_DRIVES), redaction),
        "segments": _segments(reader.table(_OF_SEGMENTS), redaction),
        "labels": _labels(found, redaction),
    }
    is_cut = redaction.places or redaction.ends
    positions = "none" if redaction.places is None else "cut" if is_cut else "all"
    about = {
        "positions": positions,
        "times": redaction.times,
        "definitions": str(reader.definitions),
    }
    others = write_tables(tables, out, kind, about)
    n_rows = {name: table.num_rows for name, table in tables.items()}
    n_before, n_kept = (
        table.num_rows - table.column("latitude").null_count for table in (found, tables["events"])
    )
    idle = _idle(found, redaction.places or ())
    return RedactionReport(n_rows, n_kept, n_before - n_kept, idle, others)


def _events(found: pa.Table, redaction: Redaction) -> pa.Table:
    latitudes, longitudes = [], []
    for latitude, longitude in zip(*_lists(found, "latitude", "longitude"), strict=True):
        is_shown = redaction.shows(latitude, longitude)
        latitudes.append(latitude if is_shown else None)
        longitudes.append(longitude if is_shown else None)
    named = _event_names(found, redaction) | _drive_names(found, redaction)
    places = {
        "latitude": pa.array(latitudes, pa.float64()),
        "longitude": pa.array(longitudes, pa.float64()),
    }
    return _table(named, found.select(_EVENTS), places | {"label": _label_words(found)})


def _drives(found: pa.Table, redaction: Redaction) -> pa.Table:
    rename = redaction.pseudonyms.name
    made = {
        "started_at_utc": _starts(found, redaction),
        "version": _each(found, "version", _version),
        "branch": _each(found, "git_branch", lambda branch: rename("branch", branch)),
        "commit": _each(found, "git_commit", lambda commit: rename("commit", commit)),
        "fork": _each(found, "fork", lambda fork: fork if fork in _FORKS else "other"),
        "device_type": _each(
            found, "device_type", lambda kind: kind if kind in DEVICE_TYPES else None
        ),
        "car_fingerprint": _each(found, "car_fingerprint", _car),
    }
    return _table(_drive_names(found, redaction), found.select(_DRIVES), made)


def _segments(found: pa.Table, redaction: Redaction) -> pa.Table:
    return _table(_drive_names(found, redaction), found.select(_SEGMENTS), {})


def _labels(events: pa.Table, redaction: Redaction) -> pa.Table:
    found = events.filter(events.column("label").is_valid())
    named = _event_names(found, redaction) | _drive_names(found, redaction)
    return _table(named, found.select(_LABELS), {"label": _label_words(found)})


def _table(
    named: Mapping[str, pa.Array[Any]], kept: pa.Table, made: Mapping[str, pa.Array[Any]]
) -> pa.Table:
    """A table of these columns, in an order that tells nothing of the names that were."""
    columns: dict[str, Any] = {**named, **dict(zip(kept.column_names, kept.columns, strict=True))}
    keys = ("device", "drive", "segment_num", "time_s", "kind")
    table = pa.table(columns | dict(made))
    return table.sort_by([(key, "ascending") for key in keys if key in columns])


def _lists(found: pa.Table, *names: str) -> list[list[Any]]:
    return [found.column(name).to_pylist() for name in names]


def _each(found: pa.Table, name: str, change: Callable[[Any], str | None]) -> pa.Array[Any]:
    """A column of text with every value changed; null stays null."""
    values = found.column(name).to_pylist()
    changed: pa.Array[Any] = pa.array(
        [None if value is None else change(value) for value in values], pa.string()
    )
    return changed


def _event_names(found: pa.Table, redaction: Redaction) -> dict[str, pa.Array[Any]]:
    return {"event": _each(found, "event_id", lambda one: redaction.pseudonyms.name("event", one))}


def _drive_names(found: pa.Table, redaction: Redaction) -> dict[str, pa.Array[Any]]:
    """The columns `device` and `drive`; drives of one name on two devices are two."""
    rename = redaction.pseudonyms.name
    pairs = zip(*_lists(found, "dongle_id", "drive"), strict=True)
    drives = pa.array([rename("drive", *pair) for pair in pairs], pa.string())
    return {"device": _each(found, "dongle_id", lambda one: rename("device", one)), "drive": drives}


def _idle(found: pa.Table, places: Iterable[Place]) -> list[int]:
    """The numbers of the places that hold no position of an event."""
    pairs = list(zip(*_lists(found, "latitude", "longitude"), strict=True))
    fixes = [(up, right) for up, right in pairs if up is not None and right is not None]
    return [
        number
        for number, place in enumerate(places, 1)
        if not any(place.holds(*fix) for fix in fixes)
    ]


def _label_words(found: pa.Table) -> pa.Array[Any]:
    """Labels; a word of the user's own might be a name."""
    words = shipped_words()
    return _each(found, "label", lambda label: label if label in words else "other")


def _starts(found: pa.Table, redaction: Redaction) -> pa.Array[Any]:
    starts: list[datetime | None] = []
    for device, time in zip(*_lists(found, "dongle_id", "started_at_utc"), strict=True):
        if time is None or redaction.times == "none":
            starts.append(None)
        elif redaction.times == "keep":
            starts.append(time)
        else:
            starts.append(redaction.pseudonyms.shifted(device, time))
    column: pa.Array[Any] = pa.array(starts, pa.timestamp("us"))
    return column


def _version(text: str) -> str | None:
    """The numbers that a version begins with; a fork's may go on with a name."""
    match = VERSION.match(text)
    return match[0] if match else None


def _car(fingerprint: str) -> str | None:
    """A fingerprint, unless it has a long number in it as no car's name has."""
    if not CAR.fullmatch(fingerprint):
        return None
    return None if long_number(fingerprint) else fingerprint


def long_number(text: str) -> bool:
    """Whether a text has a number in it that is too long for a car's name: a vehicle's own."""
    return any(len(found[0]) > _MAX_NUMBER for found in _NUMBER.finditer(text))
