"""Devices and drives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from litestar import Response, Router
from litestar.di import NamedDependency
from litestar.params import FromPath

from engagement.analysis.selection import read_speed_bands
from engagement.api import plots
from engagement.api.answers import OfDrive, respond
from engagement.api.handlers import AnyRequest, read
from engagement.api.request_filters import find_drive_id
from engagement.api.rows import Row, in_utc, listing, one_row
from engagement.store import samples
from engagement.store.serving import Generation

if TYPE_CHECKING:
    from collections.abc import Mapping

_N_TRACK_POINTS = 500

# The view and the order of each part of a drive's document.
_PARTS: Mapping[str, tuple[str, str]] = {
    "speed_bands": ("speed_bands", "list_position(['city', 'road', 'highway'], speed_band)"),
    "segments": ("segments", "segment_num"),
    "timeline": ("state_intervals", "start_mono_ns"),
    "engagements": ("engagements", "start_mono_ns"),
    "events": ("events", "mono_ns, kind"),
    "interventions": ("interventions", "mono_ns"),
    "alerts": ("alerts", "start_mono_ns"),
    "bookmarks": ("bookmarks", "mono_ns"),
}
_NOT_REPEATED = ("drive_id", "dongle_id", "drive")


class DeviceDocument(msgspec.Struct, frozen=True):
    """A device: its row of `devices`, and time and distance by speed band over its drives."""

    generation: int
    definitions: int
    device: Row
    speed_bands: list[Row]


class DriveDocument(msgspec.Struct, frozen=True):
    """A drive: its row of `drives`, and its rows of other views.

    Attributes:
        generation: Of the database.
        definitions: Number of those that its numbers are of.
        drive: Its metrics.
        speed_bands: Time and distance by speed.
        segments: The logs that were read.
        timeline: State by state; `start_s` and `end_s` are seconds from the first sample.
        engagements: Likewise.
        events: Ends of engagements and overrides, with cause and severity.
        interventions: What the driver did.
        alerts: Alerts that asked something of the driver.
        bookmarks: What the driver marked.
        track: Where it went, some hundred points.
    """

    generation: int
    definitions: int
    drive: Row
    speed_bands: list[Row]
    segments: list[Row]
    timeline: list[Row]
    engagements: list[Row]
    events: list[Row]
    interventions: list[Row]
    alerts: list[Row]
    bookmarks: list[Row]
    track: list[Row]


@read("/{dongle_id:str}", DeviceDocument, operation_id="getDevice", tags=["devices"])
def get_device(
    request: AnyRequest, generation: NamedDependency[Generation], dongle_id: FromPath[str]
) -> Response[Any]:
    """Give a device's totals, by speed band too."""
    source = generation.in_memory("devices")
    query = f"select * from {source} where dongle_id = $dongle_id"
    device = one_row(generation, "device", dongle_id, query, dongle_id=dongle_id)

    def answer() -> DeviceDocument:
        bands = read_speed_bands(generation, "dongle_id = $dongle_id", {"dongle_id": dongle_id})
        for row in bands:
            del row["dongle_id"]
        return DeviceDocument(generation.number, generation.definitions, device, bands)

    return respond(request, generation, answer)


@read("/{drive:str}", DriveDocument, operation_id="getDrive", tags=["drives"])
def get_drive(
    request: AnyRequest, generation: NamedDependency[Generation], drive: FromPath[str]
) -> Response[Any]:
    """Give a drive: metrics, segments, timeline, events and track."""
    drive_id = find_drive_id(generation, drive)
    return respond(
        request,
        generation,
        lambda: drive_document(generation, drive_id),
        of_drive=OfDrive(drive_id),
    )


def drive_document(generation: Generation, drive_id: int) -> DriveDocument:
    """All that there is of a drive, but its samples."""
    row = drive_row(generation, drive_id)
    parts = {name: _part(generation, drive_id, *part) for name, part in _PARTS.items()}
    track = []
    if parts["timeline"]:
        origin_ns = samples.window(generation, drive_id).first_mono_ns
        for name in ("timeline", "engagements"):
            parts[name] = [_timed(interval, origin_ns) for interval in parts[name]]
        track = samples.track(generation, drive_id, _N_TRACK_POINTS)
    return DriveDocument(generation.number, generation.definitions, row, track=track, **parts)


def drive_row(generation: Generation, drive_id: int) -> Row:
    """A drive's row of `drives`."""
    query = f"select * from {generation.quickest('drives')} where drive_id = $drive_id"
    return one_row(generation, "drive", str(drive_id), query, drive_id=drive_id)


def _part(generation: Generation, drive_id: int, view: str, order: str) -> list[Row]:
    rows = generation.rows(
        f"select * from {generation.quickest(view)} where drive_id = $drive_id order by {order}",
        {"drive_id": drive_id},
    )
    for row in rows:
        for name in _NOT_REPEATED:
            row.pop(name, None)
    return in_utc(rows)


def _timed(interval: Row, origin_ns: int) -> Row:
    return {
        "start_s": (interval["start_mono_ns"] - origin_ns) / 1e9,
        "end_s": (interval["end_mono_ns"] - origin_ns) / 1e9,
        **interval,
    }


devices_router = Router(
    "/devices",
    route_handlers=[
        listing("devices", "List the devices with the totals of their drives.", "devices"),
        get_device,
    ],
)
drives_router = Router(
    "/drives",
    route_handlers=[
        listing("drives", "List the drives with their metrics, the newest first.", "drives"),
        get_drive,
        *plots.handlers,
    ],
)
