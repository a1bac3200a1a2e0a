"""A drive on a map, as other programs take it: GPX 1.1 and GeoJSON (RFC 7946).

Lines are of one mode each; they meet where the mode changes, and end where fixes are missing.
Events are points, at the fix nearest before them.
"""

from __future__ import annotations

import json
import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from engagement.formats import text
from engagement.store import samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from engagement.store.drive_names import NamedDrive
    from engagement.store.reader import Reader

    Row = Mapping[str, Any]

GAP_S = 10.0
_ALL = 1 << 40
_PLACE = ("latitude", "longitude")
_NAMESPACE = "http://www.topografix.com/GPX/1/1"
_EVENTS = """
select
    event_id, kind, cause, time_s, speed_mps, severity, is_critical, is_planned, label, latitude,
    longitude
from events
where drive_id = $drive_id and latitude is not null and longitude is not null
order by mono_ns, kind
"""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring fixes in one mode; the last one may be the first of the next mode."""

    mode: str
    fixes: list[Row]


@dataclass(frozen=True, slots=True)
class Track:
    """Where a drive went, and what happened there.

    Attributes:
        name: The route name.
        started_at_utc: At 0 s; None without a clock that was set.
        stretches: Lines; `time_s`, `latitude`, `longitude` and `speed_mps` of each fix.
        events: Those that have a place, in order.
    """

    name: str
    started_at_utc: datetime | None
    stretches: list[Stretch]
    events: list[dict[str, Any]] = field(default_factory=list)

    @property
    def n_fixes(self) -> int:
        """Fixes, each counted once."""
        return len({fix["time_s"] for stretch in self.stretches for fix in stretch.fixes})

    def time_at(self, time_s: float) -> str | None:
        """A time of the drive in UTC, ISO 8601; None without a clock."""
        if self.started_at_utc is None:
            return None
        at = self.started_at_utc.replace(tzinfo=UTC) + timedelta(seconds=time_s)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_track(reader: Reader, drive: NamedDrive) -> Track:
    """The track of a drive with every fix.

    Raises:
        NotFoundError: If the drive has no samples.
        StoreError: If the database can't be read.
    """
    values = {"drive_id": drive.drive_id}
    fixes = samples.track(reader, drive.drive_id, _ALL)
    [row] = reader.rows("select started_at_utc from drives where drive_id = $drive_id", values)
    events = reader.rows(_EVENTS, values)
    return Track(str(drive), row["started_at_utc"], stretches(fixes), events)


def stretches(fixes: Iterable[Row]) -> list[Stretch]:
    """Lines that meet where the mode changes, and are broken where fixes are missing."""
    found: list[Stretch] = []
    last_s = -math.inf
    for fix in fixes:
        if fix["time_s"] - last_s > GAP_S:
            found.append(Stretch(fix["mode"], [fix]))
        else:
            found[-1].fixes.append(fix)
            if found[-1].mode != fix["mode"]:
                found.append(Stretch(fix["mode"], [fix]))
        last_s = fix["time_s"]
    return [stretch for stretch in found if len(stretch.fixes) > 1]


def geojson(track: Track) -> bytes:
    """A FeatureCollection: a line for each stretch, a point for each event."""
    lines = [
        _feature(
            "LineString",
            [_position(fix) for fix in stretch.fixes],
            mode=stretch.mode,
            start_s=stretch.fixes[0]["time_s"],
            end_s=stretch.fixes[-1]["time_s"],
            started_at_utc=track.time_at(stretch.fixes[0]["time_s"]),
        )
        for stretch in track.stretches
    ]
    points = [
        _feature(
            "Point",
            _position(event),
            **{name: _finite(event[name]) for name in event if name not in _PLACE},
            at_utc=track.time_at(event["time_s"]),
        )
        for event in track.events
    ]
    document = {"type": "FeatureCollection", "name": track.name, "features": [*lines, *points]}
    return json.dumps(document, ensure_ascii=False, allow_nan=False, indent=1).encode() + b"\n"


def gpx(track: Track) -> bytes:
    """A waypoint for each event, and a track for each stretch, whose type is its mode."""
    root = ET.Element(
        "gpx", xmlns=_NAMESPACE, version="1.1", creator=f"engagement {version('engagement')}"
    )
    metadata = ET.SubElement(root, "metadata")
    ET.SubElement(metadata, "name").text = text(track.name)
    _add_time(metadata, track.time_at(0.0))
    for event in track.events:
        point = _add_point(root, "wpt", event, track)
        ET.SubElement(point, "name").text = " ".join(filter(None, (event["kind"], event["cause"])))
        ET.SubElement(point, "desc").text = text(event["event_id"])
        ET.SubElement(point, "type").text = event["kind"]
    for stretch in track.stretches:
        line = ET.SubElement(root, "trk")
        ET.SubElement(line, "name").text = stretch.mode
        ET.SubElement(line, "type").text = stretch.mode
        part = ET.SubElement(line, "trkseg")
        for fix in stretch.fixes:
            _add_point(part, "trkpt", fix, track)
    ET.indent(root, " ")
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


TRACK_FORMATS: Mapping[str, Callable[[Track], bytes]] = {"gpx": gpx, "geojson": geojson}


def _feature(shape: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": shape, "coordinates": coordinates},
        "properties": properties,
    }


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _position(place: Row) -> list[float]:
    return [place["longitude"], place["latitude"]]


def _add_point(parent: ET.Element, tag: str, place: Row, track: Track) -> ET.Element:
    where = {"lat": f"{place['latitude']:.7f}", "lon": f"{place['longitude']:.7f}"}
    point = ET.SubElement(parent, tag, where)
    _add_time(point, track.time_at(place["time_s"]))
    return point


def _add_time(parent: ET.Element, time: str | None) -> None:
    if time is not None:
        ET.SubElement(parent, "time").text = time
